"""``manage.py reindex``: makes missing search entries. The sweep does the same in small steps."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from calls.search.backlog import findable, steps


class Command(BaseCommand):
    help = (
        "Add missing and outdated entries to the search index. The service can keep running. You "
        "can stop this at any time and start it again: finished calls are skipped."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--all", action="store_true", help="also write existing entries again")
        parser.add_argument(
            "--after", type=int, default=0, metavar="KEY",
            help="with --all: continue after this key, which a stopped run prints",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        after, written = options["after"], 0
        left = findable(after=after).count()
        bar = Progress(
            "Calls", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), transient=True
        )
        try:
            with bar:
                task = bar.add_task("", total=left)
                for step in steps(after=after, rebuild=options["all"]):
                    after, written = step.position, written + step.written
                    bar.advance(task, step.seen)
        except KeyboardInterrupt:
            self.stderr.write(f"Stopped: {written} entries written, up to key {after}.")
            raise
        self.stdout.write(f"{written} entries made.")
