"""``manage.py create_api_key``: creates, lists and revokes API keys."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from calls.keys import create_key, revoke_key
from calls.models import ApiKey

HOW_TO_USE = """
{plain}

The key is shown only once. Send it with every request:

  curl -H 'Authorization: Bearer {plain}' ...

Scopes: {scopes}. To revoke the key: manage.py create_api_key --revoke {prefix}
"""


class Command(BaseCommand):
    help = "Create an API key and show it once, list the keys, or revoke one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", help="What the key is for, such as `PBX Berlin`.")
        parser.add_argument(
            "--scope",
            action="append",
            choices=ApiKey.Scope.values,
            help="What the key permits. Repeat for several; default: ingest. "
            + " ".join(f"{scope.value}: {scope.label}." for scope in ApiKey.Scope),
        )
        other = parser.add_mutually_exclusive_group()
        other.add_argument("--list", action="store_true", help="List all keys, newest first.")
        other.add_argument("--revoke", metavar="PREFIX", help="Revoke the key with this prefix.")

    def handle(self, *args: Any, **options: Any) -> None:
        name, scopes, revoke = options["name"], options["scope"], options["revoke"]
        if (options["list"] or revoke is not None) and (name or scopes):
            raise CommandError("--list and --revoke take neither a name nor a scope.")
        if options["list"]:
            self._list()
        elif revoke is not None:
            self._revoke(revoke)
        else:
            self._create((name or "").strip(), scopes or [ApiKey.Scope.INGEST.value])

    def _create(self, name: str, scopes: list[str]) -> None:
        try:
            # Checked here, because the service would leave a long name to the database.
            ApiKey(name=name).clean_fields(exclude=["prefix", "digest", "scopes"])
        except ValidationError as error:
            raise CommandError(f"NAME: {' '.join(error.message_dict['name'])}") from error
        key, plain = create_key(name=name, scopes=set(scopes))
        can = ", ".join(key.scopes)
        self.stdout.write(HOW_TO_USE.format(plain=plain, prefix=key.prefix, scopes=can).strip())

    def _list(self) -> None:
        keys = list(ApiKey.objects.order_by("-id"))
        for key in keys:
            until = f"revoked {key.revoked_at:%F %H:%M}" if key.revoked_at else "valid"
            scopes = ",".join(key.scopes)
            made = f"{key.created_at:%F %H:%M}"
            self.stdout.write(f"{key.prefix}  {made}  {until:<24}  {scopes:<20}  {key.name}")
        if not keys:
            self.stdout.write("There are no keys yet. To create one: manage.py create_api_key NAME")

    def _revoke(self, prefix: str) -> None:
        # People copy the start of the key itself, where cc_ stands before the prefix.
        key = ApiKey.objects.filter(prefix=prefix.removeprefix("cc_")).first()
        if key is None:
            raise CommandError(f"There is no key with the prefix {prefix!r}. See --list.")
        if not revoke_key(key):
            raise CommandError(f"{key} has been revoked since {key.revoked_at:%F %H:%M}.")
        self.stdout.write(f"{key} is revoked. Running servers refuse it within seconds.")
