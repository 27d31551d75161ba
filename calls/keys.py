"""API keys: creates, revokes and checks them. The hot path checks a key without a query."""

from __future__ import annotations

import hashlib
import logging
import secrets
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.utils import timezone

from calls.models import ApiKey
from calls.outage import Outage

log = logging.getLogger(__name__)
outage = Outage(log, "API keys are not renewed")
PREFIX_LENGTH = 8
UNKNOWN_KEY_PAUSE_S = 1.0
RENEWAL_GRACE_S = 2.0
# WebSocket close codes: 4000 plus the HTTP status, in the range for applications.
CLOSE_NOT_LOGGED_IN = 4401
CLOSE_NOT_ALLOWED = 4403
VIEW_UNREDACTED = "calls.view_unredacted"
# The permission that lets a logged-in person do what a key with this scope may do.
PERMISSIONS = {
    ApiKey.Scope.INGEST: "calls.add_packet",
    ApiKey.Scope.READ: "calls.view_call",
    ApiKey.Scope.OPERATE: "calls.operate_call",
}


@dataclass(frozen=True)
class ApiClient:
    """A program that sent a valid key. It takes the place of a Django user."""

    name: str
    scopes: frozenset[str]
    is_authenticated: bool = True
    is_anonymous: bool = False
    is_active: bool = True
    pk: None = None

    def __str__(self) -> str:
        return f"key {self.name}"


def create_key(*, name: str, scopes: Iterable[str]) -> tuple[ApiKey, str]:
    """Store a new key. Return it with its plain text, which cannot be recovered later."""
    # The prefix names the key in lists and commands without giving anything of it away.
    prefix = secrets.token_hex(PREFIX_LENGTH // 2)
    plain = f"cc_{prefix}_{secrets.token_urlsafe(32)}"
    key = ApiKey.objects.create(
        name=name, prefix=prefix, digest=digest(plain), scopes=sorted(scopes)
    )
    return key, plain


def revoke_key(key: ApiKey) -> bool:
    """Revoke a key permanently. Return False if it was revoked already.

    Other processes accept it until they load the keys again, at most API_KEY_REFRESH seconds
    later.
    """
    valid = ApiKey.objects.filter(pk=key.pk, revoked_at=None)
    revoked = bool(valid.update(revoked_at=timezone.now()))
    ring.forget()
    return revoked


def digest(plain: str) -> str:
    """Hash a key. It has 256 random bits, so a fast hash is as safe as a slow one."""
    return hashlib.sha256(plain.encode()).hexdigest()


class KeyRing:
    """The valid keys as this process last loaded them, at most API_KEY_REFRESH seconds ago."""

    def __init__(self) -> None:
        self._clients: dict[str, ApiClient] = {}
        self._loaded_at = float("-inf")
        self._lock = threading.Lock()
        self._renewal = threading.Lock()

    def find(self, plain: str) -> ApiClient | None:
        wanted, age = digest(plain), time.monotonic() - self._loaded_at
        # An unknown key may have just been created.
        patience = UNKNOWN_KEY_PAUSE_S if wanted not in self._clients else settings.API_KEY_REFRESH
        if age >= min(patience, settings.API_KEY_REFRESH):
            self._load()
        return self._clients.get(wanted)

    def peek(self, plain: str) -> ApiClient | None:
        """Find a key without a query, for an event loop. A thread renews a ring that is too old."""
        age = time.monotonic() - self._loaded_at
        # Only one thread renews. While the database hangs, each packet would start another.
        if age >= settings.API_KEY_REFRESH and self._renewal.acquire(blocking=False):
            threading.Thread(target=self._renew, name="keys", daemon=True).start()
        # Too old to trust: a revoked key must not pass for as long as the database is away.
        if age >= settings.API_KEY_REFRESH + RENEWAL_GRACE_S:
            return None
        return self._clients.get(digest(plain))

    def _renew(self) -> None:
        try:
            self._load()
        except DatabaseError as error:
            outage.note(error)
        else:
            outage.over()
        finally:
            # This thread ends, and nothing else would close its connection.
            connection.close()
            self._renewal.release()

    def _load(self) -> None:
        with self._lock:
            # A new dict instead of changes to the old one: readers take no lock.
            self._clients = {
                key.digest: ApiClient(name=key.name, scopes=frozenset(key.scopes))
                for key in ApiKey.objects.filter(revoked_at=None)
            }
            self._loaded_at = time.monotonic()

    def forget(self) -> None:
        self._loaded_at = float("-inf")


ring = KeyRing()


def key_from_headers(authorization: str, x_api_key: str) -> str:
    """Return the key in the headers of a request, or an empty string."""
    scheme, _, value = authorization.partition(" ")
    return value.strip() if scheme.lower() == "bearer" else x_api_key.strip()


def find_refusal(scope: Mapping[str, Any], wanted: ApiKey.Scope) -> int | None:
    """Return the code to close a WebSocket with, or None if its client has the scope ``wanted``.

    A key takes precedence over a login. ``scope`` is the ASGI scope with the user from Channels.
    """
    if settings.API_AUTH == "open":
        return None
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    plain = key_from_headers(headers.get(b"authorization", ""), headers.get(b"x-api-key", ""))
    if plain:
        client = ring.find(plain)
        if client is None:
            return CLOSE_NOT_LOGGED_IN
        return None if wanted in client.scopes else CLOSE_NOT_ALLOWED
    user = scope.get("user")
    if user is None or not user.is_authenticated:
        return CLOSE_NOT_LOGGED_IN
    return None if user.has_perm(PERMISSIONS[wanted]) else CLOSE_NOT_ALLOWED
