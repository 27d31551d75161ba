"""Checks who may send: by a key or a signature in the handshake, or a key in the first message."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings

from calls.ingest.carriers.signature import is_signed
from calls.keys import SocketRefusal, key_from_headers, refuse_key
from calls.models import ApiKey

CLOSE_NO_KEY = 4401
CLOSE_WRONG_KEY = 4403


@dataclass(frozen=True)
class Check:
    """The result of a check: allowed, refused, or neither if the ``start`` message must decide.

    ``key`` is the key that allowed it, if there is one.
    """

    is_allowed: bool = False
    refusal: SocketRefusal | None = None
    key: str = ""


def check_handshake(headers: Mapping[bytes, bytes], path: str, address: str) -> Check:
    """Check the headers of a socket. May read the database."""
    if settings.API_AUTH == "open":
        return Check(is_allowed=True)
    if plain := _key(headers):
        return check_token(plain, address)
    if settings.TWILIO_AUTH_TOKEN and b"x-twilio-signature" in headers:
        if is_signed(headers, path, settings.TWILIO_AUTH_TOKEN):
            return Check(is_allowed=True)
        return Check(refusal=SocketRefusal(CLOSE_WRONG_KEY, "The signature is not valid."))
    return Check()


def check_token(plain: str, address: str) -> Check:
    """Check a key. May read the database."""
    if not plain:
        return Check(refusal=SocketRefusal(CLOSE_NO_KEY, "Send an API key."))
    refusal = refuse_key(plain, address, ApiKey.Scope.INGEST)
    if refusal is None:
        return Check(is_allowed=True, key=plain)
    # Carriers know this code for a wrong key, and 4401 for none.
    return Check(refusal=refusal._replace(code=CLOSE_WRONG_KEY))


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
        return value  # not a key, but not empty either: the response is 4403, not 4401
    return pair.partition(":")[2]
