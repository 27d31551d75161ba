"""``manage.py retry_failed``: retries failed calls, for example after an outage."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from calls.actions import ACTIONS
from calls.management.selection import add_options, work_through


class Command(BaseCommand):
    help = "Retry failed calls, from the stage that failed."

    def add_arguments(self, parser: CommandParser) -> None:
        add_options(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        work_through(self, ACTIONS["retry"], options)
