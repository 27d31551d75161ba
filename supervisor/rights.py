"""Whether whoever opened a socket may still listen: logins end, and permissions are withdrawn."""

from __future__ import annotations

import random
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest

from calls.api.keys import find_refusal
from calls.models import ApiKey

RECHECK_S = 30.0


def pause_s() -> float:
    """Return when to look again; sockets that came together do not ask together."""
    return RECHECK_S * random.uniform(0.8, 1.0)  # noqa: S311


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
