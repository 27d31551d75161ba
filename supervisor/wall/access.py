"""Who may see a wall screen: people who are logged in, and displays by their cookie.

The cookie is signed, and browsers send it only to the page and the socket of this one display. It
has no date: a display stays signed in until it is revoked. For everything else, it is a visitor
without a login.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpResponse
from django.urls import reverse

from calls.keys import CLOSE_NOT_ALLOWED, CLOSE_NOT_LOGGED_IN
from calls.models import DisplayScreen
from supervisor.live import rights

COOKIE = "wall_display"
# The longest time for which browsers keep a cookie. Each request for the page sets it again, and
# the page makes one a day.
COOKIE_AGE = timedelta(days=400)
DIGEST_PART = 16
VIEW = "calls.view_call"


def sign_in(response: HttpResponse, screen: DisplayScreen) -> None:
    response.set_cookie(
        COOKIE,
        _signer().sign(_mark(screen)),
        max_age=COOKIE_AGE,
        path=reverse("supervisor:wall-display", args=[screen.pk]),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        # Not Strict: the address may be opened from a message, by way of a redirect.
        samesite="Lax",
    )


def find_screen(cookies: Mapping[str, str], screen_id: int) -> DisplayScreen | None:
    """Return the display if these cookies are its own and it has not been revoked."""
    try:
        mark = _signer().unsign(cookies.get(COOKIE, ""))
    except signing.BadSignature:
        return None
    screen = DisplayScreen.objects.valid().filter(pk=screen_id).first()
    return screen if screen is not None and mark == _mark(screen) else None


def admit(scope: Mapping[str, Any], screen_id: int | None) -> DisplayScreen | int | None:
    """Return the display that a socket shows, None for a screen of a person, or a close code.

    It takes a login, or the cookie of a display, whatever API_AUTH says: a screen must go dark when
    its access ends. People with the right to see calls may see a display's screen.
    """
    cookies = scope.get("cookies", {})
    if screen_id is None:
        return _refusal_of_person(scope)
    if screen := find_screen(cookies, screen_id):
        return screen
    if code := _refusal_of_person(scope):
        return CLOSE_NOT_ALLOWED if COOKIE in cookies else code
    return DisplayScreen.objects.valid().filter(pk=screen_id).first() or CLOSE_NOT_ALLOWED


def _refusal_of_person(scope: Mapping[str, Any]) -> int | None:
    user = rights.user_now(scope) if scope.get("session") is not None else None
    if user is None or not user.is_authenticated:
        return CLOSE_NOT_LOGGED_IN
    return None if user.has_perm(VIEW) else CLOSE_NOT_ALLOWED


def _mark(screen: DisplayScreen) -> str:
    # The digest as well: in a restored database, the number may be that of another display.
    return f"{screen.pk}.{screen.digest[:DIGEST_PART]}"


def _signer() -> signing.Signer:
    return signing.Signer(salt="supervisor.wall.display")
