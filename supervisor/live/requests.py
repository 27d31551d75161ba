"""The messages that a client may send on the supervisor's WebSocket, read strictly."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from calls.api.event_stream import is_call_id


@dataclass(frozen=True, slots=True)
class Resume:
    epoch: str
    offset: int


@dataclass(frozen=True, slots=True)
class Subscribe:
    """The calls, each with the revision that the client has. 0: none."""

    revisions: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    call_ids: Sequence[str]


Request = Resume | Subscribe | Unsubscribe


def read_request(text: str | None) -> Request | None:
    """Return what the client asks for, or None for anything else."""
    try:
        message = json.loads(text or "")
        return _READERS[message["type"]](message)
    # RecursionError: a client may send brackets nested a thousand deep.
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _resume(message: dict[str, Any]) -> Resume:
    return Resume(str(message["epoch"]), _whole(message["offset"]))


def _subscribe(message: dict[str, Any]) -> Subscribe:
    after = message.get("after", {})
    if type(after) is not dict or any(_whole(each) < 0 for each in after.values()):
        raise ValueError("after")
    return Subscribe({call_id: after.get(call_id, 0) for call_id in _call_ids(message)})


def _unsubscribe(message: dict[str, Any]) -> Unsubscribe:
    return Unsubscribe(_call_ids(message))


def _call_ids(message: dict[str, Any]) -> list[str]:
    found = message["call_ids"]
    # The rule also keeps out what PostgreSQL cannot store, such as NUL.
    if type(found) is not list or not all(type(each) is str and is_call_id(each) for each in found):
        raise ValueError("call_ids")
    return found


def _whole(number: Any) -> int:
    # Not isinstance: true and false are ints in Python.
    if type(number) is not int:
        raise ValueError("not a whole number")
    return number


_READERS: Mapping[str, Callable[[dict[str, Any]], Request]] = {
    "resume": _resume,
    "subscribe": _subscribe,
    "unsubscribe": _unsubscribe,
}
