"""Agents, teams, and who sees which calls."""
