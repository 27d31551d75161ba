"""Replaces the command of the REST framework, which cannot read our schema classes."""

from drf_spectacular.management.commands.spectacular import Command

__all__ = ["Command"]
