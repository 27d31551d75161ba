"""Who may send: a key in the handshake, a signature over it, or a key in the first message."""

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
    """Return 0 if it may send, a close code if not, and None if ``start`` must tell.

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
    """Return 0 for a key that may send packets, and a close code for everything else."""
    if not plain:
        return CLOSE_NO_KEY
    client = ring.find(plain)
    return 0 if client and ApiKey.Scope.INGEST in client.scopes else CLOSE_WRONG_KEY


def _key(headers: Mapping[bytes, bytes]) -> str:
    """Return the key of the headers; with HTTP Basic it is the password."""
    authorization = headers.get(b"authorization", b"").decode("latin-1")
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "basic":
        return _password(value)
    return key_from_headers(authorization, headers.get(b"x-api-key", b"").decode("latin-1"))


def _password(value: str) -> str:
    try:
        pair = base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return value  # not a key, and neither is it nothing
    return pair.partition(":")[2]
