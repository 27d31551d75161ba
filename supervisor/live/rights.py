"""Checks whether a client may still listen, because logins end and permissions are withdrawn."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Mapping
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


async def until_lost(scope: Mapping[str, Any]) -> int:
    """Check repeatedly. Returns the close code once the client may no longer listen."""
    refusal = None
    while refusal is None:
        await asyncio.sleep(pause_s())
        try:
            refusal = await database_sync_to_async(find_refusal_now)(scope)
        # An outage of the database is not a reason to log everybody out.
        except DatabaseError as error:
            outage.note(error)
        else:
            outage.over()
    return refusal


def find_refusal_now(scope: Mapping[str, Any]) -> int | None:
    """Return the code to close a socket with, or None if the client may listen.

    Loads session and user again instead of trusting the scope: the session may have ended, the
    password may have changed, the user may have been deactivated. Keys are in memory and need no
    query.
    """
    opened_with = scope.get("session")
    if opened_with is None:
        return find_refusal(scope, ApiKey.Scope.READ)
    engine = import_module(settings.SESSION_ENGINE)
    request = HttpRequest()
    request.session = engine.SessionStore(opened_with.session_key)
    return find_refusal({**scope, "user": get_user(request)}, ApiKey.Scope.READ)
