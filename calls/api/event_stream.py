"""Checks who may follow the event log as server-sent events, and from which position.

The view only allows or refuses, as for every route. ``supervisor.live.event_stream`` then sends the
events outside Django's handler, which would hold a thread for as long as the client stays.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from calls.models import CALL_ID_PATTERN, CALL_ID_RULE
from calls.visibility import EVERYTHING, Sight, active

# Key in the ASGI scope. The streaming middleware sets None; ``allow`` puts a StreamStart there.
WANTED = "callcenter.event_stream"
# 18 digits always fit an offset of 64 bits.
POSITION = re.compile(r"(?:([0-9a-f-]{36}):)?(\d{1,18})")
RULE = "Must be an offset, or the `id` of an event."
# The live transcripts that one client may follow.
WATCH_LIMIT = 50
WATCH_RULE = (
    f"Must be at most {WATCH_LIMIT} call ids, separated by commas. A call id is {CALL_ID_RULE}."
)


@dataclass(frozen=True)
class StreamStart:
    """Where to start. No offset: from now on. No epoch: the offset belongs to this log.

    ``watch`` names the calls whose live transcripts are wanted.
    """

    epoch: str | None
    offset: int | None
    session: Any
    user: Any
    watch: tuple[str, ...] = ()
    sight: Sight = EVERYTHING


def allow(request: Request) -> Response:
    """Allow this request to be answered by a stream, and set where that starts."""
    scope: dict[str, Any] = getattr(request, "scope", {})
    epoch, offset = _position(request)
    watch = _watched(request)
    # HEAD must not open a stream: its response has no body.
    if request.method == "HEAD":
        return Response()
    # Some servers and tests run Django without the layer that streams.
    if WANTED not in scope:
        detail = "This server cannot stream. Use GET /v1/events?after= instead."
        return Response({"detail": detail}, status=status.HTTP_501_NOT_IMPLEMENTED)
    scope[WANTED] = StreamStart(
        epoch=epoch,
        offset=offset,
        session=getattr(request, "session", None),
        user=request.user if request.user.is_authenticated else None,
        watch=watch,
        sight=active(),
    )
    return Response()


def _position(request: Request) -> tuple[str | None, int | None]:
    """Read the client's position. A browser that reconnects sends it in a header."""
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


def is_call_id(text: str) -> bool:
    return re.fullmatch(CALL_ID_PATTERN, text) is not None


def _watched(request: Request) -> tuple[str, ...]:
    """Read the calls to watch, each once."""
    text = request.query_params.get("watch", "")
    found = tuple(dict.fromkeys(text.split(","))) if text else ()
    if len(found) > WATCH_LIMIT or not all(map(is_call_id, found)):
        raise ValidationError({"watch": [WATCH_RULE]})
    return found
