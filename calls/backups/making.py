"""Makes a backup. If it is killed, its folder says that it is not finished."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from calls.backups.dumps import NAMES, dump
from calls.backups.manifest import (
    NAME,
    UNFINISHED,
    BackupError,
    Manifest,
    digest,
    fingerprint,
)
from calls.backups.media import FOLDER, SUMS, copy_from_site, write_sums
from calls.operation.claims import InUse, claim, is_held, write_whole
from calls.operation.disk import sync_folder
from calls.operation.locks import BACKUP, hold


def make_backup(folder: Path) -> Manifest:
    """Copy database and files into a new folder, for its owner only.

    The database comes first. A file is written before the row that names it, and none is removed
    while the lock is held, so every file that the copy names is there. If the backup fails, what it
    has written is removed.
    """
    media = Path(settings.MEDIA_ROOT)
    if folder.resolve().is_relative_to(media.resolve()):
        raise BackupError(f"{folder} is in MEDIA_ROOT, which the backup copies. Choose another.")
    newest = _newest_migration()
    with _new_folder(folder) as unfinished, hold(BACKUP, shared=True):
        file = dump(folder)
        copied = copy_from_site(media, folder / FOLDER)
        sums = {file.name: digest(file)}
        sums |= {f"{FOLDER}/{name}": value for name, value in copied.sums.items()}
        manifest = Manifest(
            made_at=timezone.now().isoformat(timespec="seconds"),
            database=connection.vendor,
            sha256=sums[file.name],
            migration=newest,
            secret=fingerprint(),
            files=len(copied.sums),
            bytes=copied.bytes + file.stat().st_size,
            sums=digest(write_sums(folder, sums)),
        )
        # A power cut must not leave the manifest without what it describes.
        os.sync()
        write_whole(unfinished, manifest.as_json())
        (folder / UNFINISHED).rename(folder / NAME)
    sync_folder(folder)
    return manifest


def _newest_migration() -> str:
    recorder = MigrationRecorder(connection)
    applied = sorted(name for app, name in recorder.applied_migrations() if app == "calls")
    if not applied:
        raise BackupError("The database has no tables of this service. Check DATABASE_URL.")
    return applied[-1]


@contextmanager
def _new_folder(folder: Path) -> Iterator[int]:
    """Claim a folder that is new or empty. If what follows fails, it is left as it was."""
    is_new = not folder.exists()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _check_empty(folder)
    try:
        with claim(folder / UNFINISHED) as unfinished:
            if [each.name for each in folder.iterdir()] != [UNFINISHED]:
                # Another process has made a backup here since we looked.
                (folder / UNFINISHED).unlink()
                _check_empty(folder)
            try:
                yield unfinished
            except BaseException:
                if not (folder / NAME).exists():
                    _clear(folder, is_new=is_new)
                raise
    except InUse as error:
        raise BackupError(f"Another backup is being written into {folder}.") from error


def _check_empty(folder: Path) -> None:
    if is_held(folder / UNFINISHED):
        raise BackupError(f"Another backup is being written into {folder}.")
    if (folder / UNFINISHED).exists():
        raise BackupError(
            f"{folder} is not empty: a backup into it was interrupted. Remove it, or choose "
            "another folder."
        )
    if any(folder.iterdir()):
        raise BackupError(f"{folder} is not empty.")


def _clear(folder: Path, *, is_new: bool) -> None:
    """Remove what this backup has written; it may have filled the disk. The claim goes last."""
    shutil.rmtree(folder / FOLDER, ignore_errors=True)
    database = NAMES[connection.vendor]
    for name in (database, f"{database}-journal", SUMS, UNFINISHED):
        (folder / name).unlink(missing_ok=True)
    if is_new:
        folder.rmdir()
