"""Checks of values such as zones, folders and addresses. Each raises ValueError."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Speakers = dict[str, Literal["agent", "customer"]]


def time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(
            f"TIME_ZONE is {name!r}; it must be a name such as Europe/Berlin or UTC."
        ) from error
    return name


def writable_folder(path: str) -> str:
    """Accept a folder for recordings that exists, or can be made, and can be written to."""
    present = Path(path).absolute()
    while not present.exists() and present != present.parent:
        present = present.parent
    if not present.is_dir():
        raise ValueError(f"MEDIA_ROOT is {path!r}, but {present} is not a folder.")
    if not os.access(present, os.W_OK | os.X_OK) or present.is_relative_to("/proc"):
        raise ValueError(f"MEDIA_ROOT is {path!r}; this user may not write to {present}.")
    return path


def speech_model(path: str) -> str:
    if path and not (Path(path) / "model.bin").is_file():
        raise ValueError(
            f"STT_MODEL_DIR is {path!r}; it must be a folder with a Whisper model for CTranslate2 "
            f"(model.bin)."
        )
    return path


def speakers(text: str) -> Speakers:
    """Return who speaks on which track."""
    found: Speakers = {}
    for pair in filter(None, map(str.strip, text.split(","))):
        track, _, who = (part.strip() for part in pair.partition("="))
        if not track or who not in ("agent", "customer"):
            raise ValueError(
                f"TRACK_SPEAKERS has {pair!r}; it must be like left=customer,right=agent."
            )
        found[track] = "agent" if who == "agent" else "customer"
    return found


def spoken_language(provider: str) -> Callable[[str], str]:
    """Return a function that reads a language. ``auto`` is empty: the provider detects it."""

    def read(text: str) -> str:
        if text != "auto":
            return text
        if provider == "local":
            raise ValueError(
                "AI_LANGUAGE is 'auto', but the built-in models detect no language; name one, "
                "such as en."
            )
        return ""

    return read


def base_url(url: str) -> str:
    """Accept the address of a provider. Returns it without a slash at its end."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"OPENAI_BASE_URL is {url!r}; it must be like http://localhost:8080/v1.")
    return url.rstrip("/")
