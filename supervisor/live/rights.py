"""Checks whether a client may still listen, because logins end and permissions are withdrawn."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth import get_user
from django.db import Error as DatabaseError
from django.http import HttpRequest

from calls.accounts import watching as logins
from calls.accounts.second_factor import proven_user
from calls.keys import address_of, find_refusal, key_of, ring, watch
from calls.models import ApiKey
from calls.outage import Outage
from calls.visibility import EVERYTHING, Sight, sight_of

log = logging.getLogger(__name__)
outage = Outage(log, "the rights of listeners are not checked")
RECHECK_S = 30.0


def pause_s() -> float:
    """Return the seconds until the next check, with jitter to spread sockets opened together."""
    return RECHECK_S * random.uniform(0.8, 1.0)  # noqa: S311 (not a secret)


Scope = Mapping[str, Any]


async def until_lost(scope: Scope, find: Callable[[Scope], int | None] | None = None) -> int:
    """Check repeatedly. Returns the close code once the client may no longer listen.

    ``find`` returns the code or None; without it, the client needs the right to read. The end of a
    login is noticed within seconds, withdrawn permissions at the next check.
    """
    if find is None and (plain := key_of(scope)) and settings.API_AUTH == "key":
        return (await watch.until_refused(plain, address_of(scope))).code
    find = find or find_refusal_now
    refusal = None
    # As it was when the client was admitted, so that no change since then is missed.
    known = logins.state_of(scope.get("user"))
    while refusal is None:
        await _pause(scope, known)
        known = None
        try:
            refusal = await database_sync_to_async(find)(scope)
        # An outage of the database is not a reason to log everybody out.
        except DatabaseError as error:
            outage.note(error)
        else:
            outage.over()
    return refusal


async def _pause(scope: Scope, known: logins.State | None) -> None:
    """Wait for the next check, or until the login of this client has changed."""
    session = scope.get("session")
    if session is None or not session.session_key:
        await asyncio.sleep(pause_s())
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(pause_s()):
            await logins.watch.until_changed(session.session_key, known)


def find_refusal_now(scope: Scope) -> int | None:
    """Return the code to close a socket with, or None if the client may listen.

    Loads session and user again instead of trusting the scope: the session may have ended, the
    password may have changed, the user may have been deactivated.
    """
    user = None if scope.get("session") is None else user_now(scope)
    refusal = find_refusal({**scope, "user": user}, ApiKey.Scope.READ)
    return refusal.code if refusal else None


def sight_now(scope: Scope) -> Sight:
    """Return what the client sees, as stored now."""
    if settings.API_AUTH == "open":
        return EVERYTHING
    if plain := key_of(scope):
        return sight_of(ring.find(plain))
    return sight_of(scope.get("user") if scope.get("session") is None else user_now(scope))


def user_now(scope: Scope) -> Any:
    """Return the user of the scope's session, which may have ended, as stored now."""
    engine = import_module(settings.SESSION_ENGINE)
    request = HttpRequest()
    request.session = engine.SessionStore(scope["session"].session_key)
    return proven_user(get_user(request), request.session)
