"""Whose request is being handled, so that everything read for it shows only their calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from asgiref.local import Local

from calls.models import Alert, Call
from calls.visibility.sights import EVERYTHING, Rows, Sight, sight_of


@dataclass
class _Asking:
    who: Any
    sight: Sight | Callable[[], Sight] | None


_asking = Local()


@contextmanager
def looking_as(who: Any) -> Iterator[None]:
    """Handle a request of this user or API client: everything read shows only their calls.

    Outside of it, jobs and commands work on all calls. A queryset keeps the sight with which it
    was made, so it may be read later, by a download for instance.
    """
    with _looking(who, None):
        yield


@contextmanager
def looking_lazily(find: Callable[[], Sight]) -> Iterator[None]:
    """Handle a request of somebody who is not known yet. ``find`` is called once, when needed."""
    with _looking(None, find):
        yield


@contextmanager
def looking_with(sight: Sight) -> Iterator[None]:
    """Handle a request with this sight, which was read before."""
    with _looking(None, sight):
        yield


@contextmanager
def _looking(who: Any, sight: Sight | Callable[[], Sight] | None) -> Iterator[None]:
    before = getattr(_asking, "now", None)
    _asking.now = _Asking(who, sight)
    try:
        yield
    finally:
        _asking.now = before


def active() -> Sight:
    """Return the sight of the current request's sender; outside a request, everything."""
    now: _Asking | None = getattr(_asking, "now", None)
    if now is None:
        return EVERYTHING
    # On first use, because many requests read no calls.
    if now.sight is None:
        now.sight = sight_of(now.who)
    elif not isinstance(now.sight, Sight):
        now.sight = now.sight()
    return now.sight


def in_sight(rows: Rows, prefix: str = "") -> Rows:
    """Narrow a queryset to what the sender of the current request may see."""
    return active().of(rows, prefix)


def is_in_sight(call_id: str) -> bool:
    """Return whether the sender may see the call, if there is one. No query if they see all."""
    if active().is_all:
        return True
    found = Call.objects.filter(call_id=call_id).values_list("agent", "queue").first()
    return found is None or active().covers(*found)


def is_alert_in_sight(alert_id: int) -> bool:
    """Return whether the sender may see the alert, if there is one."""
    if active().is_all or alert_id >= 2**63:
        return True
    found = Alert.objects.filter(pk=alert_id).values_list("call__agent", "call__queue").first()
    return found is None or active().covers(*found)
