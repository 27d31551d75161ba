"""The valid keys in memory. The hot path checks a key without a query."""

from __future__ import annotations

import hashlib
import logging
import math
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection

from calls.keys.networks import is_within
from calls.models import ApiKey
from calls.outage import Outage

log = logging.getLogger(__name__)
outage = Outage(log, "API keys are not renewed")
UNKNOWN_KEY_PAUSE_S = 1.0
RENEWAL_GRACE_S = 2.0
NOT_VALID = "This API key is not valid: it is unknown or revoked."


class KeyRefused(Exception):
    """Why a key is not admitted, for the sender, and the HTTP status of the response.

    ``wait_s``: after this many seconds, the same request may be sent again.
    """

    def __init__(self, reason: str, status: int = 401, wait_s: float = 0.0) -> None:
        super().__init__(reason)
        self.status = status
        self.wait_s = wait_s


@dataclass(frozen=True)
class ApiClient:
    """A program that sent a valid key. It takes the place of a Django user.

    Times are seconds since 1970. ``replaced_at`` is the end of a secret that was rotated.
    ``teams`` holds the keys of the teams whose calls it sees; None: all calls. ``rate_limit`` is
    the key's own: None for that of the site, 0 for none.
    """

    name: str
    scopes: frozenset[str]
    key_id: int = 0
    networks: tuple[str, ...] = ()
    teams: tuple[int, ...] | None = None
    expires_at: float = math.inf
    replaced_at: float = math.inf
    rate_limit: int | None = None
    rate_burst: int = 0
    is_authenticated: bool = True
    is_anonymous: bool = False
    is_active: bool = True
    pk: None = None

    def __str__(self) -> str:
        return f"key {self.name}"

    def find_refusal(self, address: str, at: float) -> KeyRefused | None:
        """Return why a request from this address is refused at this time, or None."""
        if at >= self.expires_at:
            return KeyRefused(f"This API key expired at {_as_utc(self.expires_at)}.")
        if at >= self.replaced_at:
            ended = _as_utc(self.replaced_at)
            return KeyRefused(f"This API key was rotated, and its old secret expired at {ended}.")
        if self.networks and not is_within(address, self.networks):
            seen = address or "an unknown address"
            return KeyRefused(f"This API key may not be used from {seen}.", status=403)
        return None


class KeyRing:
    """The keys that are not revoked, as loaded at most API_KEY_REFRESH seconds ago."""

    def __init__(self) -> None:
        self._clients: dict[str, ApiClient] = {}
        self._loaded_at = float("-inf")
        self._lock = threading.Lock()
        self._renewal = threading.Lock()

    def find(self, plain: str) -> ApiClient | None:
        wanted, age = digest(plain), self._age()
        # An unknown key may have just been created.
        patience = UNKNOWN_KEY_PAUSE_S if wanted not in self._clients else settings.API_KEY_REFRESH
        if age >= min(patience, settings.API_KEY_REFRESH):
            self._load()
        return self._clients.get(wanted)

    def peek(self, plain: str) -> ApiClient | None:
        """Find a key without a query, for an event loop. A thread renews a ring that is too old."""
        age, refresh_s = self._age(), settings.API_KEY_REFRESH
        if age >= refresh_s:
            self.renew(older_than_s=refresh_s)
        # Too old to trust: a revoked key must not stay valid throughout a database outage.
        if age >= refresh_s + RENEWAL_GRACE_S:
            return None
        return self._clients.get(digest(plain))

    def last_known(self, wanted: str) -> ApiClient | None:
        """Find a key by its digest, as last loaded, however long ago."""
        return self._clients.get(wanted)

    def renew(self, *, older_than_s: float) -> None:
        """Load the keys in a thread if the ring is that old. Does not wait for it."""
        # Only one thread renews. While the database hangs, each packet would start another.
        if self._age() >= older_than_s and self._renewal.acquire(blocking=False):
            threading.Thread(target=self._renew, name="keys", daemon=True).start()

    def forget(self) -> None:
        self._loaded_at = float("-inf")

    def _age(self) -> float:
        return time.monotonic() - self._loaded_at

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
            valid = ApiKey.objects.filter(revoked_at=None)
            self._clients = {key_digest: c for key in valid for key_digest, c in _clients(key)}
            self._loaded_at = time.monotonic()


def _clients(key: ApiKey) -> Iterator[tuple[str, ApiClient]]:
    """Yield the client of each secret of a key: the present one, and the one before."""
    for secret, replaced_at in ((key.digest, None), (key.previous_digest, key.previous_until)):
        if secret:
            yield (
                secret,
                ApiClient(
                    name=key.name,
                    scopes=frozenset(key.scopes),
                    key_id=key.pk,
                    networks=tuple(key.networks),
                    teams=None if key.teams is None else tuple(key.teams),
                    expires_at=_seconds(key.expires_at),
                    replaced_at=_seconds(replaced_at),
                    rate_limit=key.rate_limit,
                    rate_burst=key.rate_burst or 0,
                ),
            )


def _seconds(at: datetime | None) -> float:
    return at.timestamp() if at else math.inf


def _as_utc(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


def digest(plain: str) -> str:
    """Hash a key. It has 256 random bits, so a fast hash is as safe as a slow one."""
    return hashlib.sha256(plain.encode()).hexdigest()


ring = KeyRing()
