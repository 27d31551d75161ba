"""Decodes base64 in every form that senders use: MIME lines, URL-safe, unpadded, as a data URL."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import unquote

_URL_SAFE = str.maketrans("-_", "+/")
_SCHEME = "data:"


def decode_base64(text: str) -> bytes | None:
    """Return the bytes, or None if the text is not base64. Strict base64 costs nothing extra."""
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except (binascii.Error, ValueError):
        return _decode_variant(text)


def data_url_media(text: str) -> str:
    """Return the media type of a data URL; empty for anything else."""
    return _data_url(text)[0] if text[: len(_SCHEME)].lower() == _SCHEME else ""


def _data_url(text: str) -> tuple[str, str | None]:
    """Return the media type and the base64 of a data URL, None if its data is not base64."""
    head, _, data = text[len(_SCHEME) :].partition(",")
    media, _, how = head.rpartition(";")
    return (media.strip(), unquote(data)) if how.strip().lower() == "base64" else ("", None)


def _decode_variant(text: str) -> bytes | None:
    if text[: len(_SCHEME)].lower() == _SCHEME:
        text = _data_url(text)[1] or "?"
    # Spaces are allowed only around line breaks. Inside a line, they show that this is not base64.
    joined = "".join(line.strip() for line in text.splitlines())
    bare = joined.translate(_URL_SAFE).rstrip("=")
    if len(bare) % 4 == 1:
        return None
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
