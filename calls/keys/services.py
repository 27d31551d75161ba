"""Creates, changes, rotates and revokes keys."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from calls.keys.keyring import digest, ring
from calls.keys.networks import read_networks
from calls.models import ApiKey

PREFIX_LENGTH = 8
CHANGEABLE = {"name", "expires_at", "networks", "rate_limit", "rate_burst"}
LONGEST_OVERLAP = timedelta(days=90)


class KeyUnchangeable(Exception):
    """Why a key cannot be rotated or changed, in a sentence for people."""


def create_key(
    *,
    name: str,
    scopes: Iterable[str],
    expires_at: datetime | None = None,
    networks: Iterable[str] = (),
    teams: Iterable[int] | None = None,
    rate_limit: int | None = None,
    rate_burst: int | None = None,
) -> tuple[ApiKey, str]:
    """Store a new key. Return it with its plain text, which cannot be recovered later.

    ``teams`` limits it to the calls of these teams, by their primary keys.
    Raises ValueError for an invalid network.
    """
    # The prefix identifies the key in lists and commands without revealing any of its secret.
    prefix = secrets.token_hex(PREFIX_LENGTH // 2)
    plain = _new_secret(prefix)
    key = ApiKey.objects.create(
        name=name,
        prefix=prefix,
        digest=digest(plain),
        scopes=sorted(scopes),
        expires_at=expires_at,
        networks=read_networks(list(networks)),
        teams=None if teams is None else sorted(teams),
        rate_limit=rate_limit,
        rate_burst=rate_burst,
    )
    return key, plain


def change_key(key: ApiKey, **changes: Any) -> None:
    """Set fields of CHANGEABLE. The scopes of a key may not change: programs rely on them.

    Raises ValueError for an invalid network.
    """
    if unknown := changes.keys() - CHANGEABLE:
        raise TypeError(f"{unknown} cannot be changed")
    if "networks" in changes:
        changes["networks"] = read_networks(list(changes["networks"]))
    for name, value in changes.items():
        setattr(key, name, value)
    key.save(update_fields=list(changes))
    ring.forget()


def revoke_key(key: ApiKey) -> bool:
    """Revoke a key permanently. Return False if it was revoked already.

    Other processes accept it until they load the keys again, at most API_KEY_REFRESH seconds
    later.
    """
    valid = ApiKey.objects.filter(pk=key.pk, revoked_at=None)
    revoked = bool(valid.update(revoked_at=timezone.now()))
    ring.forget()
    return revoked


def rotate_key(
    key: ApiKey, *, overlap: timedelta, end_previous: bool = False, keep_previous: bool = False
) -> str:
    """Give a key a new secret, and return it. The old secret is valid for ``overlap`` more.

    ``key`` is the key as the caller last saw it: of two people who rotate it at once, one is
    refused. A secret from before the last rotation ends, which needs ``end_previous`` while it is
    still valid. With ``keep_previous``, that one stays as it is, and the newest one ends: it was
    lost before anybody used it. Raises KeyUnchangeable.
    """
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise KeyUnchangeable(f"The overlap must be from 0 to {LONGEST_OVERLAP.days} days.")
    plain, now = _new_secret(key.prefix), timezone.now()
    with transaction.atomic():
        found = ApiKey.objects.select_for_update().get(pk=key.pk)
        _check_rotation(found, seen=key.digest, now=now)
        _check_previous(found, now=now, end=end_previous, keep=keep_previous)
        if not keep_previous:
            found.previous_digest, found.previous_until = found.digest, now + overlap
        found.digest, found.rotated_at = digest(plain), now
        found.save(update_fields=["digest", "previous_digest", "previous_until", "rotated_at"])
    ring.forget()
    transaction.on_commit(ring.forget)  # if the caller's transaction is a larger one
    return plain


def _check_rotation(key: ApiKey, *, seen: str, now: datetime) -> None:
    if key.revoked_at:
        raise KeyUnchangeable("This key is revoked. Create another one.")
    if key.expires_at and key.expires_at <= now:
        raise KeyUnchangeable("This key has expired. Set a later date first.")
    if key.digest != seen:
        raise KeyUnchangeable("Somebody has just rotated this key. Reload it first.")


def _check_previous(key: ApiKey, *, now: datetime, end: bool, keep: bool) -> None:
    if end and keep:
        raise KeyUnchangeable("A secret cannot be both ended and kept.")
    if keep and not key.has_previous(now):
        raise KeyUnchangeable("No secret from before the last rotation is valid any more.")
    if key.has_previous(now) and not (end or keep):
        raise KeyUnchangeable(
            f"The secret from before the last rotation is valid until "
            f"{key.previous_until:%Y-%m-%d %H:%M} UTC, and would end now."
        )


def _new_secret(prefix: str) -> str:
    return f"cc_{prefix}_{secrets.token_urlsafe(32)}"
