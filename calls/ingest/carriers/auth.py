"""Checks who may send: by a key or a signature in the handshake, or a key in the first message."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

from django.conf import settings

from calls.ingest.carriers.signature import is_signed
from calls.keys import key_from_headers, ring
from calls.models import ApiKey

CLOSE_NO_KEY = 4401
CLOSE_WRONG_KEY = 4403


def check_handshake(headers: Mapping[bytes, bytes], path: str) -> int | None:
    """Return 0 to allow, a close code to refuse, or None if the ``start`` message must carry a key.

    May read the database.
    """
    if settings.API_AUTH == "open":
        return 0
    if plain := _key(headers):
        return check_token(plain)
    if settings.TWILIO_AUTH_TOKEN and b"x-twilio-signature" in headers:
        return 0 if is_signed(headers, path, settings.TWILIO_AUTH_TOKEN) else CLOSE_WRONG_KEY
    return None


def check_token(plain: str) -> int:
    """Return 0 for a key that may send packets, or a close code."""
    if not plain:
        return CLOSE_NO_KEY
    client = ring.find(plain)
    return 0 if client and ApiKey.Scope.INGEST in client.scopes else CLOSE_WRONG_KEY


def _key(headers: Mapping[bytes, bytes]) -> str:
    """Return the key in the headers. With HTTP Basic, the key is the password."""
    authorization = headers.get(b"authorization", b"").decode("latin-1")
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "basic":
        return _password(value)
    return key_from_headers(authorization, headers.get(b"x-api-key", b"").decode("latin-1"))


def _password(value: str) -> str:
    try:
        pair = base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return value  # not a key, but not empty either: the answer is 4403, not 4401
    return pair.partition(":")[2]
