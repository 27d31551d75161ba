"""``manage.py dismiss_failed``: says of failed calls that they need no analysis."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from calls import services
from calls.lifecycle import CallState
from calls.management.selection import add_options, work_through


class Command(BaseCommand):
    help = (
        "Dismiss failed calls: they stay failed, are retried by nobody but a person, and no "
        "longer count as failed on the wallboard. Nothing is deleted."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_options(parser)
        parser.add_argument("--note", default="", help="why, for the log of each call")

    def handle(self, *args: Any, **options: Any) -> None:
        dismiss = partial(_dismiss, note=options["note"])
        work_through(self, options, CallState.FAILED, dismiss)


def _dismiss(call_id: str, *, note: str) -> None:
    services.dismiss_call(call_id=call_id, by="manage.py", note=note)
