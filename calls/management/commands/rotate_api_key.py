"""``manage.py rotate_api_key``: gives an API key a new secret; the old one stays valid a while."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from calls.keys import KeyUnchangeable, rotate_key
from calls.keys.terms import SPAN_RULE, read_span
from calls.management.keys import find_key, note_by_command
from calls.models import ApiKey, AuditAction

HOW_TO_USE = """
{plain}

This is the new secret of {key}. It is shown only once. {until}
"""

HINT = " Add --end-previous to do so, or --keep-previous if the newest secret was lost."


class Command(BaseCommand):
    help = (
        "Give an API key a new secret and show it once. The old secret stays valid for a while, so "
        "that senders can be switched over one by one."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("prefix", help="The start of the key, as list_api_keys shows it.")
        parser.add_argument(
            "--overlap",
            default="24h",
            metavar="SPAN",
            help=f"How long the old secret stays valid: {SPAN_RULE}, or 0. Default: 24h.",
        )
        parser.add_argument(
            "--end-previous",
            action="store_true",
            help="End the secret from before the last rotation now, if it is still valid.",
        )
        parser.add_argument(
            "--keep-previous",
            action="store_true",
            help="The newest secret was lost: replace it. The one from before the last rotation "
            "stays valid as long as it was.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        key = find_key(options["prefix"])
        try:
            overlap = read_span(options["overlap"])
        except ValueError as error:
            raise CommandError(f"--overlap: {error}") from error
        which = {name: options[name] for name in ("end_previous", "keep_previous")}
        try:
            with transaction.atomic():
                plain = rotate_key(key, overlap=overlap, **which)
                note_by_command(AuditAction.CHANGE, key, "secret")
                key.refresh_from_db()
                # Before the commit: killed in between, nobody has a secret that is not shown.
                self._show(key, plain)
        except KeyUnchangeable as error:
            hint = HINT if "would end now" in str(error) else ""
            raise CommandError(f"{error}{hint}") from error

    def _show(self, key: ApiKey, plain: str) -> None:
        until = f"The old one is valid until {key.previous_until:%F %H:%M} UTC."
        if not key.has_previous(timezone.now()):
            until = "The old one is no longer valid."
        self.stdout.write(HOW_TO_USE.format(plain=plain, key=key, until=until).strip())
        self.stdout.flush()
