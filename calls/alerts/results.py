"""Checks calls against the rules when they end, are archived or fail, from the event log."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime

from django.db import DatabaseError

from calls import events
from calls.alerts import watches
from calls.alerts.conditions import match_analysis, match_end, match_failure
from calls.alerts.endings import judge_again
from calls.alerts.live.matches import match_heard
from calls.alerts.live.utterances import LiveTail
from calls.alerts.matches import AlertMatch, Held
from calls.alerts.rules import RuleBook
from calls.alerts.services import raise_alerts
from calls.lifecycle import CallState
from calls.models import Analysis, Call, CallEvent
from calls.operation.lock_waits import leaving_locked

log = logging.getLogger(__name__)

WATCH = "events"
READ_LIMIT = 200
OVER = (CallState.ARCHIVED, CallState.FAILED)
ENDED = (CallState.COMPLETED, *OVER)


def open_log() -> int:
    return watches.open_watch(WATCH, start=events.head())


def watch_log(
    book: RuleBook,
    after: int,
    *,
    now: datetime,
    tail: LiveTail,
    waiting: Held | None = None,
    held: Held | None = None,
) -> int:
    """Check the calls of the next events. Stores and returns the new position.

    ``tail`` tells what was heard of the calls while they were live, ``waiting`` what the last round
    left. What waits for locked calls is added to ``held``. The position is not stored meanwhile.
    """
    waiting, held = waiting or Held(), Held() if held is None else held
    batch = events.read(after=after, limit=READ_LIMIT)
    if batch:
        book.refresh()  # a rule that was made before these events must see them
    _look_at_ended(book, batch, tail, now=now, held=held.matches)
    for event in (*waiting.events, *batch):
        if event.type == events.StateChanged.type and event.call is not None:
            _look_at(book, event, event.call, now=now, held=held)
    after = batch[-1].id if batch else after
    if (batch or waiting) and not held:
        # Only after the alerts are raised. After a crash in between, these events are read again,
        # and database constraints keep alerts from being raised twice.
        watches.advance(WATCH, after)
    return after


def _look_at_ended(
    book: RuleBook,
    batch: Sequence[CallEvent],
    tail: LiveTail,
    *,
    now: datetime,
    held: list[AlertMatch],
) -> None:
    """Check the last words that were heard of calls before the result, which may lack them."""
    changes = [each for each in batch if each.type == events.StateChanged.type]
    ended = {each.call_id for each in changes if each.state in ENDED and each.call_id}
    raise_alerts(list(match_heard(book, tail.read_ended(ended))), now=now, held=held)
    tail.forget({each.call_id for each in changes if each.state in OVER and each.call_id})


def _look_at(book: RuleBook, event: CallEvent, call: Call, *, now: datetime, held: Held) -> None:
    """Compare alerts with a new result first: a rule may raise again what it does not confirm."""
    is_waiting = any(each.call_id == event.call_id for each in held.events)
    with leaving_locked() as left:
        if not is_waiting:  # else an earlier event of the call comes first
            _judge_again(event, call, now=now)
    if is_waiting or left.is_locked:
        held.events.append(event)
    else:
        raise_alerts(_matches(book, event, call), now=now, held=held.matches)


def _judge_again(event: CallEvent, call: Call, *, now: datetime) -> None:
    analysis = _newest_analysis(call) if event.state == CallState.ARCHIVED else None
    if analysis is None:
        return
    try:
        judge_again(call, analysis, now=now)
    except DatabaseError:
        raise
    except Exception:
        log.exception("the alerts of call %s are not judged again", call.call_id)


def _matches(book: RuleBook, event: CallEvent, call: Call) -> list[AlertMatch]:
    try:
        return list(_check(book, event, call))
    except DatabaseError:
        raise
    except Exception:
        # A malformed result must not stop the alerts of every other call.
        log.exception("no alerts from event %d of call %s", event.id, call.call_id)
        return []


def _check(book: RuleBook, event: CallEvent, call: Call) -> Iterator[AlertMatch]:
    rules = book.for_call(queue=call.queue, agent=call.agent)
    if event.state == CallState.COMPLETED:
        for rule in rules:
            yield from match_end(rule, call)
    elif event.state in OVER:
        analysis = _newest_analysis(call)
        reason, source = str(event.data.get("reason", "")), f"event:{event.id}"
        for rule in rules:
            if event.state == CallState.FAILED:
                yield from match_failure(rule, call, analysis, reason=reason, source=source)
            elif analysis is not None:
                yield from match_analysis(rule, call, analysis)


def _newest_analysis(call: Call) -> Analysis | None:
    return call.analyses.order_by("-version").first()
