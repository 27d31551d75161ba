"""Copies files together with their digests, and checks them.

The list of digests has the format of ``sha256sum``, which checks a backup without this software.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from calls.backups.manifest import BackupError, Manifest, digest

FOLDER = "media"
SUMS = "SHA256SUMS"
MARKER = ".restoring"  # claimed in MEDIA_ROOT by a restore until it is finished
PART = ".part"
BLOCK = 1 << 20


@dataclass
class Copied:
    """``sums`` are the digests of the files by name."""

    sums: dict[str, str] = field(default_factory=dict)
    bytes: int = 0


def copy_from_site(source: Path, target: Path) -> Copied:
    """Copy all files below a folder. Files that are removed meanwhile are left out."""
    copied = Copied()
    for name in names_in(source):
        try:
            opened = (source / name).open("rb")
        except FileNotFoundError:
            continue  # no row refers to it
        with opened:
            copied.sums[name] = _copy(opened, target / name)
        copied.bytes += (target / name).stat().st_size
    return copied


def copy_to_site(source: Path, target: Path, sums: dict[str, str]) -> list[str]:
    """Copy the files of a list, and return those that are missing or damaged, which are left out.

    A file that is already there and undamaged is not copied again. An empty digest is not checked.
    """
    return [
        name for name, wanted in sums.items() if not _restore(source / name, target / name, wanted)
    ]


def _restore(source: Path, target: Path, wanted: str) -> bool:
    part = target.with_name(target.name + PART)
    if wanted and target.is_file() and digest(target) == wanted:
        part.unlink(missing_ok=True)
        return True
    if not source.is_file():
        return False
    with source.open("rb") as opened:
        found = _copy(opened, part)
    if wanted and found != wanted:
        part.unlink()
        return False
    part.replace(target)
    return True


def names_in(folder: Path) -> list[str]:
    """Return the files below a folder, without the marker of a restore."""
    found = sorted(folder.rglob("*")) if folder.exists() else []
    names = (str(file.relative_to(folder)) for file in found if file.is_file())
    return [name for name in names if name != MARKER]


def strangers(folder: Path, sums: dict[str, str]) -> list[str]:
    """Return the files below a folder that an interrupted copy of the list cannot have left."""
    return [
        name
        for name in names_in(folder)
        if name not in sums and name.removesuffix(PART) not in sums
    ]


def _copy(source: IO[bytes], target: Path) -> str:
    """Copy a file with its mode and times, and return the digest of what was copied."""
    sha256 = hashlib.sha256()
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        while block := source.read(BLOCK):
            sha256.update(block)
            file.write(block)
        file.flush()
        known = os.fstat(source.fileno())
        os.fchmod(file.fileno(), known.st_mode & 0o777)
        os.utime(file.fileno(), ns=(known.st_atime_ns, known.st_mtime_ns))
    return sha256.hexdigest()


# --- The list
def write_sums(folder: Path, sums: dict[str, str]) -> Path:
    file = folder / SUMS
    file.write_bytes(b"".join(_line(name, value) for name, value in sums.items()))
    return file


def read_sums(folder: Path, manifest: Manifest) -> dict[str, str]:
    """Return the digests of the files of MEDIA_ROOT by name. Raises BackupError."""
    if manifest.format == 1:
        names = names_in(folder / FOLDER)
        if len(names) < manifest.files:
            raise BackupError(f"{folder} has only {len(names)} of {manifest.files} files.")
        return dict.fromkeys(names, "")
    file = folder / SUMS
    if not file.is_file() or digest(file) != manifest.sums:
        raise BackupError(f"{file} is missing or damaged: the backup was not copied completely.")
    start = f"{FOLDER}/"
    return {name[len(start) :]: value for name, value in _parse(file) if name.startswith(start)}


def _line(name: str, value: str) -> bytes:
    escaped = name.replace("\\", "\\\\").replace("\n", "\\n")
    mark = "\\" if escaped != name else ""
    return os.fsencode(f"{mark}{value}  {escaped}\n")


def _parse(file: Path) -> Iterator[tuple[str, str]]:
    for line in file.read_bytes().split(b"\n")[:-1]:
        value, _, name = os.fsdecode(line).partition("  ")
        if value.startswith("\\"):
            value = value[1:]
            name = name.replace("\\\\", "\0").replace("\\n", "\n").replace("\0", "\\")
        yield name, value
