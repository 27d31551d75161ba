"""What the site saw of a request, for ``manage.py doctor``: what proxies pass on.

Shown only to somebody with the SECRET_KEY, because it reveals how the site is connected.
"""

from __future__ import annotations

from typing import Any

from django.core import signing
from django.http import HttpRequest

HEADER = "X-Doctor"
LASTS_S = 60
SALT = "calls.doctor"


def make_pass() -> str:
    """Return the value of the header. It is valid for LASTS_S."""
    return signing.TimestampSigner(salt=SALT).sign("visit")


def what_was_seen(request: HttpRequest) -> dict[str, Any]:
    """Return scheme, host and address as the site saw them, to the doctor only."""
    shown = request.headers.get(HEADER)
    if shown is None or not _is_valid(shown):
        return {}
    seen = {
        "scheme": request.scheme,
        "host": request.get_host(),
        "client": request.META.get("REMOTE_ADDR", ""),
    }
    return {"seen": seen}


def _is_valid(shown: str) -> bool:
    try:
        return signing.TimestampSigner(salt=SALT).unsign(shown, max_age=LASTS_S) == "visit"
    except signing.BadSignature:
        return False
