"""``manage.py check_audit``: finds entries of the audit log that were altered or removed."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from calls.audit.chain import PROBLEMS_SHOWN, Head, check, seal


def head(text: str) -> Head:
    """Read a head as this command prints it. argparse shows the text of an ArgumentTypeError."""
    if not re.fullmatch(r"\d{1,18}:[0-9a-f]{64}", text):
        raise ArgumentTypeError(f"{text!r} is not a head, such as 4711:9f86d0…")
    sequence, _, digest = text.partition(":")
    return Head(int(sequence), digest)


class Command(BaseCommand):
    help = (
        "Check that no entry of the audit log was altered or removed. Prints the head of the log. "
        "Keep it elsewhere: with it, a later check also finds entries removed from the end."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--head", type=head, help="the head that an earlier check printed")

    def handle(self, *args: Any, **options: Any) -> None:
        while seal():
            pass
        report = check(options["head"])
        for problem in report.problems[:PROBLEMS_SHOWN]:
            self.stderr.write(problem)
        if (hidden := len(report.problems) - PROBLEMS_SHOWN) > 0:
            self.stderr.write(f"... and {hidden} more.")
        if report.problems:
            raise CommandError(f"The audit log is damaged: {len(report.problems)} problems.")
        self.stdout.write(f"{report.checked} entries are intact.")
        if report.first > 1:
            self.stdout.write(f"Retention removed those before entry {report.first}.")
        self.stdout.write(f"Head: {report.head}")
