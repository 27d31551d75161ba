"""Whether whoever opened a socket may still listen: logins end, and permissions are withdrawn."""

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

log = logging.getLogger(__name__)
RECHECK_S = 30.0


def pause_s() -> float:
    """Return when to look again; sockets that came together do not ask together."""
    return RECHECK_S * random.uniform(0.8, 1.0)  # noqa: S311


async def until_lost(scope: Mapping[str, Any]) -> int:
    """Look again and again, and return the code to close with once there is one."""
    refusal = None
    while refusal is None:
        await asyncio.sleep(pause_s())
        try:
            refusal = await database_sync_to_async(find_refusal_now)(scope)
        except DatabaseError as error:
            log.warning("the rights of a listener could not be read: %s", error)
    return refusal


def find_refusal_now(scope: Mapping[str, Any]) -> int | None:
    """Return the code to close a socket with, or None. What the socket knew is not trusted.

    A session that is over, a changed password or a user who was deactivated are no login any
    more. Keys are found in the ring, which needs no query.
    """
    opened_with = scope.get("session")
    if opened_with is None:
        return find_refusal(scope, ApiKey.Scope.READ)
    engine = import_module(settings.SESSION_ENGINE)
    request = HttpRequest()
    request.session = engine.SessionStore(opened_with.session_key)
    return find_refusal({**scope, "user": get_user(request)}, ApiKey.Scope.READ)
