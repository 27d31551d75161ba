"""What a backup says about itself; it is written last, so a folder with one is complete."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from django.utils.crypto import salted_hmac

NAME = "manifest.json"
UNFINISHED = "manifest.json.part"  # claimed by the process that makes the backup
FORMAT = 2
KNOWN = (1, FORMAT)  # 1 has no digests of the files


class BackupError(Exception):
    """A backup cannot be made or restored. The message says what to do."""


@dataclass(frozen=True)
class Manifest:
    made_at: str
    database: str  # postgresql or sqlite
    sha256: str  # of the copy of the database
    migration: str  # the newest of calls
    secret: str  # a fingerprint of SECRET_KEY: signs sessions and displays
    files: int
    bytes: int
    sums: str = ""  # the SHA-256 of the list of digests
    format: int = FORMAT

    def as_json(self) -> str:
        return json.dumps(asdict(self), indent=2) + "\n"


def read_manifest(folder: Path) -> Manifest:
    try:
        values = json.loads((folder / NAME).read_text())
        if values["format"] not in KNOWN:
            raise BackupError(f"{folder} was made by another release, which must restore it.")
        return Manifest(**values)
    except FileNotFoundError as error:
        raise BackupError(f"{folder} is not a complete backup: it has no {NAME}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise BackupError(f"{folder / NAME} cannot be read.") from error


def fingerprint() -> str:
    """Return a fingerprint that distinguishes SECRET_KEYs and reveals nothing else."""
    return salted_hmac("calls.backups", "fingerprint", algorithm="sha256").hexdigest()[:16]


def digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
