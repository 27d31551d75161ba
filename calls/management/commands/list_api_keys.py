"""``manage.py list_api_keys``: lists the API keys, newest first, without their secrets."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from calls.management.keys import standing_of
from calls.models import ApiKey

ROW = "{:<9} {:<25} {:<17} {:<24} {:<20} {}"
HEADING = ROW.format("PREFIX", "STANDING", "LAST USED", "FROM", "SCOPES", "NAME")


class Command(BaseCommand):
    help = "List the API keys, newest first. Their secrets are not stored. Times are in UTC."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--valid", action="store_true", help="Only keys that can be used now.")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        keys = [
            key
            for key in ApiKey.objects.order_by("-id")
            if not (options["valid"] and (key.revoked_at or key.has_expired(now)))
        ]
        if not keys:
            self.stdout.write("There are no keys yet. To create one: manage.py create_api_key NAME")
            return
        self.stdout.write(HEADING)
        for key in keys:
            used = f"{key.last_used_at:%F %H:%M}" if key.last_used_at else "never"
            networks = ",".join(key.networks) or "anywhere"
            row = (key.prefix, standing_of(key, now), used, networks, ",".join(key.scopes))
            self.stdout.write(ROW.format(*row, key.name))
