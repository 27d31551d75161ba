"""``manage.py dismiss_failed``: dismisses failed calls that need no analysis."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from calls.actions import ACTIONS
from calls.management.selection import add_options, work_through


class Command(BaseCommand):
    help = (
        "Dismiss failed calls. They stay FAILED, are no longer retried automatically, and no "
        "longer count as failed on the wallboard. Nothing is deleted."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_options(parser)
        parser.add_argument("--note", default="", help="why, for the event log of each call")

    def handle(self, *args: Any, **options: Any) -> None:
        work_through(self, ACTIONS["dismiss"], options, note=options["note"])
