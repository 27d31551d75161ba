"""Services for listening to live calls: sessions, their leases, and the log of who listened."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from django.db import connection, transaction

from calls import events
from calls.clock import database_now
from calls.events.people import ListeningEnded, ListeningStarted
from calls.models import Call, ListenSession
from calls.services import CallNotFound, NotPossible

LISTEN = "calls.listen_call"
LEASE = timedelta(seconds=15)


def start_listening(*, call: Call, by: str, process: str) -> ListenSession:
    """Record that somebody listens. The caller renews the session until it ends."""
    with transaction.atomic():
        now = database_now()
        session = ListenSession.objects.create(
            call=call, username=by, process=process, started_at=now, alive_until=now + LEASE
        )
        started = ListeningStarted(session=session.pk, by=by)
        events.append([(call, started)], at=now)
    return session


def renew_sessions(pks: Collection[int]) -> set[int]:
    """Extend the leases of sessions. Return those that have ended meanwhile."""
    with transaction.atomic():
        still_open = ListenSession.objects.filter(pk__in=pks, ended_at=None)
        alive = set(still_open.select_for_update().values_list("pk", flat=True))
        ListenSession.objects.filter(pk__in=alive).update(alive_until=database_now() + LEASE)
    return set(pks) - alive


def end_listening(pk: int) -> None:
    """Record that a session has ended, unless that is recorded already."""
    with transaction.atomic():
        own = ListenSession.objects.select_for_update().filter(pk=pk, ended_at=None)
        now = database_now()
        _end([(session, now) for session in own], now=now)


def end_expired_sessions() -> int:
    """End the sessions of processes that have died, as of the end of their leases."""
    with transaction.atomic():
        now = database_now()
        expired = ListenSession.objects.filter(ended_at=None, alive_until__lt=now)
        if not expired.exists():  # as nearly always: then nothing is locked
            return 0
        skip = connection.features.has_select_for_update_skip_locked
        found = list(expired.select_for_update(skip_locked=skip))
        _end([(session, session.alive_until) for session in found], now=now)
    return len(found)


def _end(ends: Iterable[tuple[ListenSession, datetime]], *, now: datetime) -> None:
    entries: list[tuple[Call, events.Payload]] = []
    for session, ended_at in ends:
        ListenSession.objects.filter(pk=session.pk).update(ended_at=ended_at)
        seconds = round((ended_at - session.started_at).total_seconds(), 1)
        ended = ListeningEnded(session=session.pk, by=session.username, seconds=seconds)
        entries.append((session.call, ended))
    events.append(entries, at=now)


def use_action_link(*, call_id: str, by: str) -> Call:
    """Record that somebody follows the action link. Return the call.

    Raises CallNotFound, and NotPossible if the call has ended.
    """
    with transaction.atomic():
        call = Call.objects.filter(call_id=call_id).first()
        if call is None:
            raise CallNotFound(f"There is no call {call_id}.")
        if not call.is_live:
            raise NotPossible(call, "joined")
        events.append([(call, events.ActionLinkUsed(by=by))], at=database_now())
    return call


def listeners(call: Call, *, now: datetime) -> list[str]:
    """Return the names of those who listen to a call now, each once."""
    active = ListenSession.objects.filter(call=call).active(now=now)
    return sorted(set(active.values_list("username", flat=True)))
