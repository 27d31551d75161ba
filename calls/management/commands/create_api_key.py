"""``manage.py create_api_key``: creates an API key and shows it once."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from calls.keys import create_key
from calls.keys.networks import read_networks
from calls.keys.terms import SPAN_RULE, read_expiry
from calls.management.keys import note_by_command
from calls.management.teams import read_teams
from calls.models import ApiKey, AuditAction

MOST_REQUESTS = 1_000_000
HOW_TO_USE = """
{plain}

The key is shown only once. Send it with every request:

  curl -H 'Authorization: Bearer {plain}' ...

What it may do:

{scopes}

{limits}

To revoke the key: manage.py revoke_api_key {prefix}
"""


class Command(BaseCommand):
    help = "Create an API key and show it once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", help="What the key is for, such as `PBX Berlin`.")
        parser.add_argument(
            "--scope",
            action="append",
            choices=ApiKey.Scope.values,
            help="What the key permits. Repeat for several; default: ingest. "
            + " ".join(f"{scope.value}: {scope.label}." for scope in ApiKey.Scope),
        )
        parser.add_argument(
            "--expires",
            metavar="WHEN",
            help=f"A date, such as 2027-01-31, or {SPAN_RULE}. Default: never.",
        )
        parser.add_argument(
            "--network",
            action="append",
            default=[],
            metavar="NETWORK",
            help="An address or network from which the key may be used, such as 10.0.0.0/8. "
            "Repeat for several; default: anywhere.",
        )
        parser.add_argument(
            "--team",
            action="append",
            metavar="NAME",
            help="A team whose calls the key sees. Repeat for several; default: all calls.",
        )
        parser.add_argument(
            "--rate-limit",
            type=int,
            metavar="N",
            help="Requests a second in each web process, packets counted; 0: no limit. Default: "
            "that of the site (API_RATE_LIMIT), packets not counted.",
        )
        other = parser.add_mutually_exclusive_group()
        other.add_argument("--list", action="store_true", help="The same as list_api_keys.")
        other.add_argument("--revoke", metavar="PREFIX", help="The same as revoke_api_key.")

    def handle(self, *args: Any, **options: Any) -> None:
        name, scopes, revoke = options["name"], options["scope"], options["revoke"]
        terms = (name, scopes, options["expires"], options["network"], options["team"])
        if (options["list"] or revoke is not None) and any(terms):
            raise CommandError("--list and --revoke take neither a name nor a scope.")
        if options["list"]:
            call_command("list_api_keys", stdout=self.stdout)
        elif revoke is not None:
            call_command("revoke_api_key", revoke, stdout=self.stdout)
        else:
            self._create((name or "").strip(), scopes or [ApiKey.Scope.INGEST.value], options)

    def _create(self, name: str, scopes: list[str], options: dict[str, Any]) -> None:
        try:
            # Checked here, because the service would leave a long name to the database.
            ApiKey(name=name).clean_fields(exclude=["prefix", "digest", "scopes"])
        except ValidationError as error:
            raise CommandError(f"NAME: {' '.join(error.message_dict['name'])}") from error
        with transaction.atomic():
            key, plain = create_key(
                name=name,
                scopes=set(scopes),
                expires_at=_expiry(options["expires"]),
                networks=_networks(options["network"]),
                teams=read_teams(options["team"]),
                rate_limit=_limit(options["rate_limit"]),
            )
            note_by_command(AuditAction.ADD, key)
            # Before the commit: killed in between, there is no key whose secret nobody has.
            self._show(key, plain)

    def _show(self, key: ApiKey, plain: str) -> None:
        labels = dict(ApiKey.Scope.choices)
        can = "\n".join(f"  {scope:<10} {labels[scope]}" for scope in key.scopes)
        limits = f"It expires at {key.expires_at:%F %H:%M} UTC. " if key.expires_at else ""
        if key.networks:
            limits += f"It may be used from {', '.join(key.networks)} only."
        shown = HOW_TO_USE.format(plain=plain, prefix=key.prefix, scopes=can, limits=limits.strip())
        self.stdout.write(re.sub(r"\n{3,}", "\n\n", shown).strip())
        self.stdout.flush()


def _expiry(text: str | None) -> datetime | None:
    try:
        return read_expiry(text, now=timezone.now()) if text else None
    except ValueError as error:
        raise CommandError(f"--expires: {error}") from error


def _limit(number: int | None) -> int | None:
    if number is not None and not 0 <= number <= MOST_REQUESTS:
        raise CommandError(f"--rate-limit must be from 0 to {MOST_REQUESTS}.")
    return number


def _networks(texts: list[str]) -> list[str]:
    try:
        return read_networks(texts)
    except ValueError as error:
        raise CommandError(f"--network: {error}") from error
