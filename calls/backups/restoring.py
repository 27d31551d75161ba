"""Restores a backup. The command may be killed at any point, and run again.

It copies the files first, and keeps a marker in MEDIA_ROOT until it is done. Then it fills the
database in one transaction, which also gives the event log a new epoch. The database is therefore
either empty or complete, and a second run continues where the first one stopped.
"""

from __future__ import annotations

import json
import os
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path

from django.conf import settings
from django.db import connection

from calls.backups.dumps import NAMES, load
from calls.backups.manifest import (
    UNFINISHED,
    BackupError,
    Manifest,
    digest,
    fingerprint,
    read_manifest,
)
from calls.backups.media import FOLDER, MARKER, copy_to_site, read_sums, strangers
from calls.operation.claims import InUse, claim, is_held, write_whole
from calls.operation.disk import sync_folder

SHOWN = 5


@dataclass(frozen=True)
class Restored:
    """``damaged`` are files of the backup that were left out.

    ``absent`` are those that its rows refer to and that it never had.
    """

    manifest: Manifest
    damaged: list[str]
    absent: list[str]


@dataclass(frozen=True)
class Begun:
    """The content of the marker: which backup is being restored, and the epoch it will have."""

    backup: str
    made_at: str
    epoch: str


def restore_backup(
    folder: Path, *, any_secret: bool = False, without_damaged: bool = False
) -> Restored:
    """Fill an empty database and media folder. Clients of the feed then load a snapshot."""
    manifest = _read(folder)
    _check(folder, manifest, any_secret=any_secret)
    sums = read_sums(folder, manifest)
    media = Path(settings.MEDIA_ROOT)
    media.mkdir(parents=True, exist_ok=True)
    try:
        with claim(media / MARKER) as marker:
            begun = _begin(marker, manifest, sums)
            damaged: list[str] = []
            if not _has_tables():
                damaged = copy_to_site(folder / FOLDER, media, sums)
                _check_damaged(damaged, without_damaged=without_damaged)
                # A power cut must not leave rows without their files.
                os.sync()
                load(folder, then=_new_log(begun.epoch))
            (media / MARKER).unlink()
    except InUse as error:
        raise BackupError(f"Another restore is writing into {media}.") from error
    sync_folder(media)
    return Restored(manifest, damaged, _find_absent(sums))


def find_unfinished() -> str:
    """Return a message if a restore was interrupted, with what to do, or an empty string."""
    marker = Path(settings.MEDIA_ROOT) / MARKER
    if not marker.exists():
        return ""
    if is_held(marker):
        return "A restore is running. Wait until it is done."
    return (
        "A restore was interrupted. Run it again: it continues from there. To give it up, set "
        f"another MEDIA_ROOT, or remove everything in {marker.parent}, {MARKER} included."
    )


# --- Before
def _read(folder: Path) -> Manifest:
    if is_held(folder / UNFINISHED):
        raise BackupError(f"A backup is still being written into {folder}.")
    return read_manifest(folder)


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


def _begin(marker: int, manifest: Manifest, sums: dict[str, str]) -> Begun:
    """Read the marker of an interrupted restore, or write one into an empty folder."""
    media = Path(settings.MEDIA_ROOT)
    found = _parse(os.pread(marker, 10_000, 0))
    if found is None:
        try:
            _check_empty(media)
        except BackupError:
            (media / MARKER).unlink()
            raise
        found = Begun(manifest.sha256, manifest.made_at, str(uuid.uuid4()))
        write_whole(marker, json.dumps(asdict(found)) + "\n")
    if found.backup != manifest.sha256:
        raise BackupError(
            f"{media} has files of another restore, which was interrupted: of the backup of "
            f"{found.made_at}. Repeat that one, or set another MEDIA_ROOT."
        )
    if _has_tables() and _epoch() != found.epoch:
        raise BackupError("The database is not empty. Restore into a new one.")
    if strange := strangers(media, sums):
        raise BackupError(
            f"{media} has files that are not of this backup: {_some(strange)}. Set another "
            "MEDIA_ROOT."
        )
    return found


def _parse(content: bytes) -> Begun | None:
    try:
        return Begun(**json.loads(content))
    except (ValueError, TypeError):
        return None  # killed before it was written, and so before anything else


def _check_empty(media: Path) -> None:
    if _has_tables():
        raise BackupError("The database is not empty. Restore into a new one.")
    if strangers(media, {}):
        raise BackupError(f"{media} is not empty. Move its files away, or set MEDIA_ROOT.")


def _check_damaged(damaged: list[str], *, without_damaged: bool) -> None:
    if damaged and not without_damaged:
        raise BackupError(
            f"{len(damaged)} files of the backup are missing or damaged: {_some(damaged)}. Copy "
            "the backup again from its source, or repeat the command with --without-damaged."
        )


def _some(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")


# --- The database. In SQL: the models may be newer than the backup, which `migrate` follows.
def _has_tables() -> bool:
    return bool(connection.introspection.table_names())


def _new_log(epoch: str) -> list[str]:
    """Return what gives the event log another name, and forgets who was connected.

    The log continues from the backup with offsets that clients have seen with other events.
    """
    value = uuid.UUID(epoch)
    stored = value.hex if connection.vendor == "sqlite" else str(value)
    return [
        f"UPDATE calls_eventlog SET epoch = '{stored}'",  # noqa: S608 (hexadecimal digits)
        "DELETE FROM calls_workerheartbeat",
    ]


def _epoch() -> str:
    """Return the epoch of the database, or an empty text if it has none."""
    if "calls_eventlog" not in connection.introspection.table_names():
        return ""
    with connection.cursor() as cursor:
        cursor.execute("SELECT epoch FROM calls_eventlog")
        row = cursor.fetchone()
    return str(uuid.UUID(str(row[0]))) if row else ""


def _find_absent(sums: dict[str, str]) -> list[str]:
    """Return the recordings that the site had lost before the backup, which has all others."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT file, redacted_file FROM calls_recording")
        names = {name for row in cursor.fetchall() for name in row if name}
    return sorted(names - sums.keys())
