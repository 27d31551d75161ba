"""Makes a backup and restores one."""

from __future__ import annotations

import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from calls.backups.dumps import NAMES, dump, load
from calls.backups.manifest import BackupError, Manifest, digest, fingerprint, read_manifest

MEDIA = "media"


@dataclass
class Copied:
    files: int = 0
    bytes: int = 0


def make_backup(folder: Path) -> Manifest:
    """Copy database and files into a new folder, for its owner only.

    The database comes first. A file is written before the row that names it, so every file that the
    copy names is there, unless it was deleted meanwhile.
    """
    if folder.exists() and any(folder.iterdir()):
        raise BackupError(f"{folder} is not empty.")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    newest = MigrationRecorder(connection).migration_qs.filter(app="calls").latest("name").name
    file = dump(folder)
    copied = _copy(Path(settings.MEDIA_ROOT), folder / MEDIA)
    manifest = Manifest(
        made_at=timezone.now().isoformat(timespec="seconds"),
        database=connection.vendor,
        sha256=digest(file),
        migration=newest,
        secret=fingerprint(),
        files=copied.files,
        bytes=copied.bytes + file.stat().st_size,
    )
    manifest.write(folder)
    return manifest


def restore_backup(folder: Path, *, any_secret: bool = False) -> Manifest:
    """Fill an empty database and media folder. Clients of the feed then load a snapshot."""
    manifest = read_manifest(folder)
    _check(folder, manifest, any_secret=any_secret)
    load(folder)
    _copy(folder / MEDIA, Path(settings.MEDIA_ROOT))
    _change_epoch()
    return manifest


def _check(folder: Path, manifest: Manifest, *, any_secret: bool) -> None:
    if manifest.database != connection.vendor:
        raise BackupError(
            f"The backup is of {manifest.database}, and DATABASE_URL is of {connection.vendor}."
        )
    if digest(folder / NAMES[connection.vendor]) != manifest.sha256:
        raise BackupError("The copy of the database is damaged: its digest is another one.")
    if manifest.secret != fingerprint() and not any_secret:
        raise BackupError(
            "SECRET_KEY is not that of the backup: everybody would be logged out, and displays "
            "signed out. Set the old one, or repeat the command with --any-secret."
        )
    if connection.introspection.table_names():
        raise BackupError("The database is not empty. Restore into a new one.")
    media = Path(settings.MEDIA_ROOT)
    if media.exists() and any(media.iterdir()):
        raise BackupError(f"{media} is not empty. Move its files away, or set MEDIA_ROOT.")


def _copy(source: Path, target: Path) -> Copied:
    copied = Copied()
    for file in sorted(source.rglob("*")) if source.exists() else ():
        if not file.is_file():
            continue
        copy = target / file.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copy2(file, copy)
        except FileNotFoundError:
            continue  # deleted meanwhile, as its time was over
        copied.files += 1
        copied.bytes += copy.stat().st_size
    return copied


def _change_epoch() -> None:
    """Give the event log another name, and forget who was connected.

    The log goes on from the backup with numbers that clients have seen with other events.
    """
    with connection.cursor() as cursor:
        # In SQL: the models may be newer than the backup, which `migrate` follows.
        value = uuid.uuid4()
        epoch = value.hex if connection.vendor == "sqlite" else str(value)
        cursor.execute("UPDATE calls_eventlog SET epoch = %s", [epoch])
        cursor.execute("DELETE FROM calls_workerheartbeat")
