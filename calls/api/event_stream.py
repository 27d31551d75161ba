"""Who may follow the event log as server-sent events, and from where.

The view says so, as it says so for every other route; the following is done outside of Django's
handler, which would hold a thread for as long as a client stays.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

# In the ASGI scope: put there as None by who can stream, and replaced by a Start if it may.
WANTED = "callcenter.event_stream"
POSITION = re.compile(r"(?:([0-9a-f-]{36}):)?(\d{1,18})")
RULE = "Must be an offset, or the `id` of an event."


@dataclass(frozen=True)
class Start:
    """Without an offset: from now on. Without an epoch: the offset is one of this log."""

    epoch: str | None
    offset: int | None
    session: Any


def allow(request: Request) -> Response:
    """Say that this request may be answered by a stream, and where that begins."""
    scope: dict[str, Any] = getattr(request, "scope", {})
    epoch, offset = _position(request)
    if request.method == "HEAD":
        return Response()
    if WANTED not in scope:
        detail = "This server cannot stream. Ask GET /v1/events?after= instead."
        return Response({"detail": detail}, status=status.HTTP_501_NOT_IMPLEMENTED)
    scope[WANTED] = Start(epoch=epoch, offset=offset, session=getattr(request, "session", None))
    return Response()


def _position(request: Request) -> tuple[str | None, int | None]:
    """Read where the client was; a browser that comes back says so in a header."""
    for name, text in (
        ("Last-Event-ID", request.headers.get("Last-Event-ID", "")),
        ("after", request.query_params.get("after", "")),
    ):
        if text:
            found = POSITION.fullmatch(text)
            if found is None:
                raise ValidationError({name: [RULE]})
            return found[1], int(found[2])
    return None, None
