"""``manage.py decode``: decodes calls again, in a format that their sender should have declared."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from calls.actions import ACTIONS
from calls.formats.media_types import parse_media
from calls.management.selection import add_options, work_through


class Command(BaseCommand):
    help = "Decode finished calls again, in another format, and analyse them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--media",
            required=True,
            help="a media type such as 'audio/l16;rate=16000'; empty: as declared by the sender",
        )
        add_options(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["media"]:
                parse_media(options["media"])
        except ValueError as error:
            raise CommandError(str(error)) from error
        work_through(self, ACTIONS["decode"], options, media=options["media"])
