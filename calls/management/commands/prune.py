"""``manage.py prune``: removes old data at once. The sweep does the same in small steps."""

from __future__ import annotations

import math
from argparse import ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from calls.retention.old_calls import Pruned, prune


def days(text: str) -> timedelta:
    """Read a number of days. argparse shows the text of an ArgumentTypeError."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    # NaN fails every comparison, so it is refused here as well.
    if not 0 <= number <= 36_500:
        raise ArgumentTypeError(f"{text!r} is not a number of days, such as 7 or 0.5")
    return timedelta(days=number)


class Command(BaseCommand):
    help = (
        "Remove old packets whose content is kept in a recording or a transcript, calls older "
        "than CALL_RETENTION, and stored files that belong to no call. Calls in progress or in "
        "analysis are never changed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="count, but remove nothing")
        for what, setting in (("packets", "PACKET_RETENTION"), ("calls", "CALL_RETENTION")):
            parser.add_argument(
                f"--{what}-older-than",
                type=days,
                metavar="DAYS",
                help=f"instead of {setting}",
            )

    def handle(self, *args: Any, **options: Any) -> None:
        pruned = prune(
            packets_older_than=options["packets_older_than"],
            calls_older_than=options["calls_older_than"],
            dry_run=options["dry_run"],
            thorough=True,
        )
        self.stdout.write(_told(pruned, "Would remove" if options["dry_run"] else "Removed"))


def _told(pruned: Pruned, verb: str) -> str:
    return (
        f"{verb} {pruned.packets} packets ({pruned.pruned_calls} calls pruned), "
        f"{pruned.calls} calls and {pruned.files} files that belonged to no call."
    )
