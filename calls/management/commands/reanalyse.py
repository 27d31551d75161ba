"""``manage.py reanalyse``: analyses archived calls again, after a change of model or prompt."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from calls.actions import ACTIONS
from calls.lifecycle import CallState
from calls.management.selection import add_options, work_through
from calls.models import Stage


class Command(BaseCommand):
    help = "Analyse archived calls again. Previous results are kept. Failed calls: retry_failed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--state",
            choices=[CallState.ARCHIVED.value],
            default=CallState.ARCHIVED.value,
            help="the state of the calls; only ARCHIVED is possible",
        )
        parser.add_argument(
            "--stage",
            choices=Stage.values,
            default=Stage.TRANSCRIBE.value,
            help="where to start: transcribe, or understand to keep the transcript",
        )
        add_options(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        work_through(self, ACTIONS["reanalyse"], options, stage=options["stage"])
