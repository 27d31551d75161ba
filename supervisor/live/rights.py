"""Checks whether a client may still listen, because logins end and permissions are withdrawn."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth import get_user
from django.db import Error as DatabaseError
from django.http import HttpRequest

from calls.keys import find_refusal
from calls.models import ApiKey
from calls.outage import Outage

log = logging.getLogger(__name__)
outage = Outage(log, "the rights of listeners are not checked")
RECHECK_S = 30.0


def pause_s() -> float:
    """Return the seconds until the next check, with jitter to spread sockets opened together."""
    return RECHECK_S * random.uniform(0.8, 1.0)  # noqa: S311


Scope = Mapping[str, Any]


async def until_lost(scope: Scope, find: Callable[[Scope], int | None] | None = None) -> int:
    """Check repeatedly. Returns the close code once the client may no longer listen.

    ``find`` returns the code or None; without it, the client needs the right to read.
    """
    find = find or find_refusal_now
    refusal = None
    while refusal is None:
        await asyncio.sleep(pause_s())
        try:
            refusal = await database_sync_to_async(find)(scope)
        # An outage of the database is not a reason to log everybody out.
        except DatabaseError as error:
            outage.note(error)
        else:
            outage.over()
    return refusal


def find_refusal_now(scope: Scope) -> int | None:
    """Return the code to close a socket with, or None if the client may listen.

    Loads session and user again instead of trusting the scope: the session may have ended, the
    password may have changed, the user may have been deactivated. Keys are in memory and need no
    query.
    """
    if scope.get("session") is None:
        return find_refusal(scope, ApiKey.Scope.READ)
    return find_refusal({**scope, "user": user_now(scope)}, ApiKey.Scope.READ)


def user_now(scope: Scope) -> Any:
    """Return the user of the scope's session, which may have ended, as stored now."""
    engine = import_module(settings.SESSION_ENGINE)
    request = HttpRequest()
    request.session = engine.SessionStore(scope["session"].session_key)
    return get_user(request)
