"""Checks that the packages of requirements-dev.txt are installed before a benchmark starts."""

from __future__ import annotations

from importlib.util import find_spec

from django.core.management.base import CommandError


def require(*packages: str) -> None:
    """Raise an error with one line of advice if a package is missing."""
    missing = [package for package in packages if find_spec(package) is None]
    if missing:
        raise CommandError(
            f"Not installed: {', '.join(missing)}. Run pip install -r requirements-dev.txt."
        )
