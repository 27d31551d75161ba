"""The rows of live calls on a wall screen: those with open alerts, and the longest."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Subquery

from calls.analysis.media.roles import OTHER
from calls.models import Alert, Call, Customers, LiveTranscription
from calls.models.alert import level_of
from supervisor.wall.levels import Thresholds
from supervisor.wall.options import Options

ROWS = 10
ALERTING = 6  # of the rows at most, so that long calls have a place, too
SHOWN_DIGITS = 3
HIDDEN = "•••"


@dataclass(frozen=True)
class CallRow:
    """One live call. ``level`` is that of its duration."""

    pk: int
    agent: str
    customer: str
    queue: str
    opened_at: datetime
    level: str
    sentiment: str
    trend: str
    alert: str
    alert_level: str
    more_alerts: int
    speaker: str
    words: str


@dataclass(frozen=True)
class CallRows:
    alerting: tuple[CallRow, ...] = ()
    longest: tuple[CallRow, ...] = ()


def read_calls(options: Options, thresholds: Thresholds, now: datetime) -> CallRows:
    """Read ROWS live calls at most, in three queries."""
    live = options.sight.of(Call.objects.live()).order_by()
    if options.queues:
        live = live.filter(queue__in=options.queues)
    alerting = _alerting(live)
    longest = list(live.order_by("opened_at", "pk").values_list("pk", flat=True)[:ROWS])
    longest = [pk for pk in longest if pk not in alerting][: ROWS - len(alerting)]
    rows = {
        call.pk: _row(call, options, thresholds, now) for call in _details([*alerting, *longest])
    }
    # A call may have been deleted between the queries.
    return CallRows(
        tuple(rows[pk] for pk in alerting if pk in rows),
        tuple(rows[pk] for pk in longest if pk in rows),
    )


def mask(customer: str, how: str) -> str:
    """Return a customer as a screen names it: whole, its last digits, or nothing."""
    if how == Customers.FULL:
        return customer
    if how == Customers.HIDDEN or not customer:
        return ""
    # Any part of a name or address reveals much. A short number is not shown whole.
    is_number = re.fullmatch(r"[+\d\s()./-]+", customer)
    digits = re.sub(r"\D", "", customer) if is_number else ""
    shown = digits[-SHOWN_DIGITS:] if len(digits) > 2 * SHOWN_DIGITS else ""
    return f"{HIDDEN} {shown}".rstrip()


def _alerting(live: QuerySet[Call]) -> list[int]:
    """Return the calls with the worst alerts, those that have waited longest first."""
    worst = _open_alerts().order_by("-severity", "id")
    found = live.filter(Exists(_open_alerts())).annotate(
        severity=Subquery(worst.values("severity")[:1]), alert_id=Subquery(worst.values("pk")[:1])
    )
    return list(found.order_by("-severity", "alert_id").values_list("pk", flat=True)[:ALERTING])


def _open_alerts() -> QuerySet[Alert, Any]:
    return Alert.objects.open().filter(call=OuterRef("pk")).order_by()


def _details(pks: list[int]) -> list[Any]:
    worst = _open_alerts().order_by("-severity", "id")
    heard = LiveTranscription.objects.filter(call=OuterRef("pk"))
    found = Call.objects.with_open_alerts().filter(pk__in=pks)
    return list(
        found.annotate(
            alert_name=Subquery(worst.values("name")[:1]),
            last_speaker=Subquery(heard.values("last_speaker")[:1]),
            last_words=Subquery(heard.values("last_words")[:1]),
        )
    )


def _row(call: Any, options: Options, thresholds: Thresholds, now: datetime) -> CallRow:
    words = call.last_words if options.last_words else ""
    speaker = call.last_speaker if words else ""
    return CallRow(
        pk=call.pk,
        agent=call.agent,
        customer=mask(_customer(call), options.customers),
        queue=call.queue,
        opened_at=call.opened_at,
        level=thresholds.of_call(call.queue, call.opened_at, now),
        sentiment=call.customer_sentiment,
        trend=call.customer_trend,
        alert=call.alert_name or "",
        alert_level=level_of(call.worst_alert),
        more_alerts=max(call.open_alerts - 1, 0),
        speaker=OTHER.get(speaker, speaker) if call.speakers_swapped else speaker,
        words=words or "",
    )


def _customer(call: Call) -> str:
    return call.callee if call.direction == Call.Direction.OUTBOUND else call.caller
