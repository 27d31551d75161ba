"""``manage.py restore``: fills an empty database and MEDIA_ROOT from a backup."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from calls.backups.dumps import DumpError
from calls.backups.manifest import BackupError
from calls.backups.restoring import Restored, restore_backup


class Command(BaseCommand):
    help = (
        "Fill an empty database and an empty MEDIA_ROOT from a folder of `manage.py backup`. Stop "
        "all processes first, and run `manage.py migrate` afterwards. If it is interrupted, "
        "run it again. PostgreSQL needs pg_restore and psql."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="a folder that `manage.py backup` has made")
        parser.add_argument(
            "--any-secret",
            action="store_true",
            help="restore even if SECRET_KEY has changed; this ends logins and displays",
        )
        parser.add_argument(
            "--without-damaged",
            action="store_true",
            help="restore even if recordings of the backup are missing or damaged, without them",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = restore_backup(
                options["folder"],
                any_secret=options["any_secret"],
                without_damaged=options["without_damaged"],
            )
        except (BackupError, DumpError, OSError) as error:
            raise CommandError(str(error)) from error
        self._tell(done)

    def _tell(self, done: Restored) -> None:
        made = done.manifest
        self.stdout.write(
            f"Restored the state of {made.made_at}, with {made.files - len(done.damaged)} files. "
            "Now run `manage.py migrate`, then start the processes."
        )
        for name in done.damaged:
            self.stderr.write(f"{name} is missing or damaged, and was left out.")
        for name in done.absent:
            self.stderr.write(f"{name} is not in the backup: the site had lost it before.")
