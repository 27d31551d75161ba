"""``manage.py revoke_api_key``: revokes an API key permanently."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from calls.keys import revoke_key
from calls.management.keys import find_key, note_by_command
from calls.models import AuditAction


class Command(BaseCommand):
    help = "Revoke an API key permanently. Its open sockets are closed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("prefix", help="The start of the key, as list_api_keys shows it.")

    def handle(self, *args: Any, **options: Any) -> None:
        key = find_key(options["prefix"])
        with transaction.atomic():
            if not revoke_key(key):
                raise CommandError(f"{key} has been revoked since {key.revoked_at:%F %H:%M}.")
            note_by_command(AuditAction.CHANGE, key, "revoked_at")
        seconds = f"{settings.API_KEY_REFRESH:g} s"
        self.stdout.write(f"{key} is revoked. Running servers refuse it within {seconds}.")
