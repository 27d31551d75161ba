"""Admits or refuses the key of a request or socket."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from django.conf import settings

from calls.keys.guesses import guesses
from calls.keys.keyring import NOT_VALID, ApiClient, KeyRefused, ring
from calls.keys.last_use import last_use
from calls.models import ApiKey

# WebSocket close codes: 4000 plus the HTTP status, in the range for applications.
CLOSE_NOT_LOGGED_IN = 4401
CLOSE_NOT_ALLOWED = 4403
VIEW_UNREDACTED = "calls.view_unredacted"
# The permission that lets a logged-in person do what a key with this scope may do. There is none
# for the scope admin: people may be allowed to set up some things and not others.
PERMISSIONS = {
    ApiKey.Scope.INGEST: "calls.add_packet",
    ApiKey.Scope.READ: "calls.view_call",
    ApiKey.Scope.SUPERVISE: "calls.operate_call",
}


class SocketRefusal(NamedTuple):
    """The code to close a WebSocket with, and the reason for the client."""

    code: int
    reason: str = ""


def admit(plain: str, address: str) -> ApiClient:
    """Return the client that sent this key. May read the database. Raises KeyRefused."""
    client = ring.find(plain)
    if wait_s := _locked_out_s(client, address):
        reason = "Too many wrong API keys from this address. Try again later."
        raise KeyRefused(reason, status=429, wait_s=wait_s)
    if client is None:
        guesses.note_wrong(address)
        raise KeyRefused(NOT_VALID)
    if refusal := client.find_refusal(address, time.time()):
        raise refusal
    _note_use(client, address)
    return client


def admit_at_once(plain: str, address: str) -> ApiClient | None:
    """Return the client without a query, for an event loop; None if ``admit`` must decide."""
    client = ring.peek(plain)
    if client is None or client.find_refusal(address, time.time()):
        return None
    if _locked_out_s(client, address):
        return None
    _note_use(client, address)
    return client


def _locked_out_s(client: ApiClient | None, address: str) -> float:
    """Return for how long keys that this address has not used before are not checked."""
    wait_s = guesses.wait_s(address)
    is_trusted = wait_s and client and guesses.is_trusted(client.key_id, address)
    return 0.0 if is_trusted else wait_s


def _note_use(client: ApiClient, address: str) -> None:
    last_use.note(client.key_id, address)
    guesses.trust(client.key_id, address)


def key_from_headers(authorization: str, x_api_key: str) -> str:
    """Return the key in the headers of a request, or an empty string."""
    scheme, _, value = authorization.partition(" ")
    return value.strip() if scheme.lower() == "bearer" else x_api_key.strip()


def key_of(scope: Mapping[str, Any]) -> str:
    """Return the key in the headers of an ASGI scope, or an empty string."""
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    return key_from_headers(headers.get(b"authorization", ""), headers.get(b"x-api-key", ""))


def address_of(scope: Mapping[str, Any]) -> str:
    """Return the address of the client of an ASGI scope; empty for a Unix socket."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def find_refusal(scope: Mapping[str, Any], wanted: ApiKey.Scope) -> SocketRefusal | None:
    """Return why a WebSocket must be closed, or None if its client has the scope ``wanted``.

    A key takes precedence over a login. ``scope`` is the ASGI scope with the user from Channels.
    """
    if settings.API_AUTH == "open":
        return None
    if plain := key_of(scope):
        return refuse_key(plain, address_of(scope), wanted)
    user = scope.get("user")
    if user is None or not user.is_authenticated:
        return SocketRefusal(CLOSE_NOT_LOGGED_IN)
    return None if user.has_perm(PERMISSIONS[wanted]) else SocketRefusal(CLOSE_NOT_ALLOWED)


def refuse_key(plain: str, address: str, wanted: ApiKey.Scope) -> SocketRefusal | None:
    """Return why a socket with this key must be closed, or None. May read the database."""
    try:
        client = admit(plain, address)
    except KeyRefused as error:
        return as_socket_refusal(error)
    if wanted in client.scopes:
        return None
    return SocketRefusal(CLOSE_NOT_ALLOWED, f"This API key lacks the scope '{wanted}'.")


def as_socket_refusal(error: KeyRefused) -> SocketRefusal:
    return SocketRefusal(4000 + error.status, str(error))
