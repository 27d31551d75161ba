"""The option --team of commands, which limits what is created to the calls of teams."""

from __future__ import annotations

from django.core.management.base import CommandError

from calls.models import Team


def read_teams(names: list[str] | None) -> list[int] | None:
    """Return the primary keys of teams by their names; None: no limit. Raises CommandError."""
    if not names:
        return None
    found = {name: Team.objects.filter(name__iexact=name.strip()).first() for name in names}
    if unknown := [name for name, team in found.items() if team is None]:
        raise CommandError(f"--team: there is no team {unknown[0]}.")
    return [team.pk for team in found.values() if team]
