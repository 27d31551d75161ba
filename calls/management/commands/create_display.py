"""``manage.py create_display``: creates, lists and revokes displays of the wall screen."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, transaction
from django.urls import reverse

from calls.displays import create_display, revoke_display, site_address
from calls.management.teams import read_teams
from calls.models import Customers, DisplayScreen, WallPage

HOW_TO_USE = """
{url}

The address is shown only once. Open it in the browser of the display. Anyone who has it can see
the wall screen, and nothing else.

To revoke the display: manage.py create_display --revoke {id}
"""
OPTIONS = ("page", "queue", "team", "seconds", "customers", "no_words", "theme", "url")


class Command(BaseCommand):
    help = (
        "Create a display of the wall screen and show its address once, list them, or revoke one."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", help="Where it hangs, such as `Floor 2, north`.")
        parser.add_argument(
            "--page",
            action="append",
            choices=WallPage.values,
            help="A page to show. Repeat for several; default: all.",
        )
        parser.add_argument(
            "--queue", action="append", help="A queue to show. Repeat for several; default: all."
        )
        parser.add_argument(
            "--team",
            action="append",
            metavar="NAME",
            help="A team whose calls the display shows. Repeat for several; default: all calls.",
        )
        parser.add_argument("--seconds", type=int, help="How long each page is shown; default: 20.")
        parser.add_argument(
            "--customers",
            choices=Customers.values,
            help="How customers are named; default: masked, their last three digits.",
        )
        parser.add_argument(
            "--no-words", action="store_true", help="Do not show what was said last in a call."
        )
        parser.add_argument("--theme", choices=DisplayScreen.Theme.values, help="default: auto")
        parser.add_argument(
            "--url", help="The address of the site, such as https://calls.example.com."
        )
        other = parser.add_mutually_exclusive_group()
        other.add_argument("--list", action="store_true", help="List all displays, newest first.")
        other.add_argument("--revoke", metavar="ID", help="Revoke the display with this number.")

    def handle(self, *args: Any, **options: Any) -> None:
        given = {name: options[name] for name in OPTIONS if options[name]}
        if (options["list"] or options["revoke"] is not None) and (options["name"] or given):
            raise CommandError("--list and --revoke take neither a name nor other options.")
        if options["list"]:
            self._list()
        elif options["revoke"] is not None:
            self._revoke(options["revoke"])
        else:
            self._create((options["name"] or "").strip(), given)

    def _create(self, name: str, given: dict[str, Any]) -> None:
        site = given.pop("url", site_address()).rstrip("/").removesuffix(settings.PATH_PREFIX)
        try:
            with transaction.atomic():
                screen, token = create_display(name=name, **_fields(given))
                url = site + reverse("open-display", args=[token])
                # Before the commit: killed in between, there is no display that nobody can open.
                self.stdout.write(HOW_TO_USE.format(url=url, id=screen.pk).strip())
                self.stdout.flush()
        except ValidationError as error:
            raise CommandError(_in_words(error)) from error

    def _list(self) -> None:
        screens = list(DisplayScreen.objects.order_by("-id"))
        for screen in screens:
            until = f"revoked {screen.revoked_at:%F %H:%M}" if screen.revoked_at else "valid"
            seen = f"seen {screen.seen_at:%F %H:%M}" if screen.seen_at else "never seen"
            pages = ",".join(screen.pages)
            self.stdout.write(f"{screen.pk:<5} {until:<24}  {seen:<21}  {pages:<22}  {screen.name}")
        if not screens:
            self.stdout.write(
                "There are no displays yet. To create one: manage.py create_display NAME"
            )

    def _revoke(self, number: str) -> None:
        largest = connection.ops.integer_field_range("BigAutoField")[1] or 2**63 - 1
        is_number = number.isascii() and number.isdigit() and int(number[:20]) <= largest
        screen = DisplayScreen.objects.filter(pk=int(number)).first() if is_number else None
        if screen is None:
            raise CommandError(f"There is no display with the number {number!r}. See --list.")
        if not revoke_display(screen):
            raise CommandError(f"{screen} has been revoked since {screen.revoked_at:%F %H:%M}.")
        self.stdout.write(f"{screen} is revoked. Its screen goes dark within half a minute.")


def _fields(given: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a display for the options of the command."""
    names = {"page": "pages", "queue": "queues", "seconds": "rotation_s"}
    fields = {names.get(name, name): value for name, value in given.items()}
    if "team" in fields:
        fields["teams"] = read_teams(fields.pop("team"))
    if fields.pop("no_words", False):
        fields["last_words"] = False
    return fields


def _in_words(error: ValidationError) -> str:
    options = {"pages": "--page", "queues": "--queue", "rotation_s": "--seconds", "name": "NAME"}
    return " ".join(
        f"{options.get(field, field)}: {' '.join(problems)}"
        for field, problems in error.message_dict.items()
    )
