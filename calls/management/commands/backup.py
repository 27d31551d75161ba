"""``manage.py backup``: copies database and files while the site runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.template.defaultfilters import filesizeformat

from calls.backups.dumps import DumpError
from calls.backups.making import make_backup
from calls.backups.manifest import BackupError


class Command(BaseCommand):
    help = (
        "Copy the database and the files of MEDIA_ROOT into a new folder, while the site runs. "
        "The copy of the database is a consistent snapshot. Keep SECRET_KEY elsewhere: the backup "
        "has only a fingerprint of it. PostgreSQL needs pg_dump."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="a folder that is new or empty")

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["folder"]
        try:
            made = make_backup(folder)
        except (BackupError, DumpError, OSError) as error:
            raise CommandError(str(error)) from error
        size = filesizeformat(made.bytes).replace("\xa0", " ")
        self.stdout.write(f"{folder}: the database and {made.files} files, {size}.")
