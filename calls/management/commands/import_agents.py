"""``manage.py import_agents``: reads agents and their teams from a CSV file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from calls.people.csv_lines import RULE, decode
from calls.people.importing import import_agents


class Command(BaseCommand):
    help = (
        "Create agents and teams from a CSV file, add agents to teams, and link them to accounts. "
        f"{RULE} Several teams are separated by semicolons. Nothing is removed, and if a line is "
        "wrong, nothing is changed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="the CSV file in UTF-8, or - for the standard input")
        parser.add_argument("--dry-run", action="store_true", help="say what would change")

    def handle(self, *args: Any, **options: Any) -> None:
        done = import_agents(_read(options["file"]), dry_run=options["dry_run"])
        if done.problems:
            raise CommandError("\n".join([*done.problems, "Nothing was changed."]))
        self.stdout.write(f"{done} Nothing was changed." if options["dry_run"] else str(done))


def _read(name: str) -> str:
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return decode(data)
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise CommandError(f"{name}: {error}") from error
