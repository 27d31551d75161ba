"""Records where people are logged in, and ends logins. Django's sessions still grant access."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.models import Session
from django.db import IntegrityError, transaction
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from calls.accounts.login_log import address_of
from calls.models import LoginSession
from calls.models.account import USER_AGENT_LENGTH

TOUCH_S = 60.0
PRUNED_AT_ONCE = 500
_REMEMBERED = 10_000
# When this process last stored that a session was seen, by its key.
_seen: dict[str, float] = {}


@receiver(user_logged_in, dispatch_uid="open login session")
def _open_at_login(request: HttpRequest, user: Any, **_: Any) -> None:
    if not request.session.session_key:
        request.session.create()
    open_session(request, user)


def open_session(request: HttpRequest, user: Any, *, since: datetime | None = None) -> None:
    """Record that this request's session is a login of this person, ``since`` then or now."""
    now = timezone.now()
    seen = {
        "user": user,
        "address": address_of(request),
        "user_agent": request.META.get("HTTP_USER_AGENT", "")[:USER_AGENT_LENGTH],
        "last_seen_at": now,
    }
    try:
        with transaction.atomic():
            LoginSession.objects.update_or_create(
                session_id=request.session.session_key,
                defaults=seen,
                create_defaults={**seen, "logged_in_at": since or now},
            )
    except IntegrityError:
        return  # the session was ended meanwhile
    _remember(request.session.session_key or "")


def touch_session(request: HttpRequest) -> None:
    """Record that a session was seen, at most once a minute in each process."""
    key = request.session.session_key or ""
    if time.monotonic() - _seen.get(key, float("-inf")) < TOUCH_S:
        return
    own = LoginSession.objects.filter(session_id=key)
    if own.update(last_seen_at=timezone.now(), address=address_of(request)):
        _remember(key)
    else:
        open_session(request, request.user)  # it is older than these records


def end_session(user: Any, session_id: int) -> bool:
    """End one login of this person. Return False if there is none with this id."""
    keys = LoginSession.objects.filter(user=user, pk=session_id).values("session_id")
    return bool(Session.objects.filter(pk__in=keys).delete()[0])


def end_sessions(user: Any, *, but: str | None = None) -> int:
    """End the logins of this person, except the one with the key ``but``. Return how many."""
    keys = LoginSession.objects.filter(user=user).exclude(session_id=but).values("session_id")
    _, deleted = Session.objects.filter(pk__in=keys).delete()
    return deleted.get("sessions.Session", 0)


def prune_sessions() -> int:
    """Delete some of the sessions that have expired. Return how many rows are gone."""
    expired = Session.objects.filter(expire_date__lt=timezone.now()).values_list("pk", flat=True)
    return Session.objects.filter(pk__in=list(expired[:PRUNED_AT_ONCE])).delete()[0]


def forget_seen() -> None:
    """Make sure that the next time a session is seen is stored, however recent the last one."""
    _seen.clear()


def _remember(key: str) -> None:
    if len(_seen) >= _REMEMBERED:
        _seen.clear()
    _seen[key] = time.monotonic()
