"""``manage.py reanalyse``: has archived calls analysed anew, after a change of model or prompt."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from calls.actions import ACTIONS
from calls.lifecycle import CallState
from calls.management.selection import add_options, work_through
from calls.models import Stage


class Command(BaseCommand):
    help = "Analyse archived calls anew. Old results are kept. Failed ones: retry_failed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--state",
            choices=[CallState.ARCHIVED.value],
            default=CallState.ARCHIVED.value,
            help="the state that allows it",
        )
        parser.add_argument(
            "--stage",
            choices=Stage.values,
            default=Stage.TRANSCRIBE.value,
            help="where to begin: transcribe from scratch, or understand with the old transcript",
        )
        add_options(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        work_through(self, ACTIONS["reanalyse"], options, stage=options["stage"])
