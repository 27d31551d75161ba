"""Rules about the state of live calls: silence, loss, length. Asked again and again, in SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from django.db.models import Exists, F, OuterRef, QuerySet

from calls.alerts.rules import ReadyRule
from calls.alerts.services import Finding
from calls.models import Alert, AlertRule, Call

Kind = AlertRule.Kind
SWEPT = (Kind.SILENCE, Kind.LOSS, Kind.LONG_CALL)
LIMIT = 500
LOSS_PACKETS = 20  # of fewer, one that is still on its way is too large a share


def sweep_live(rules: Sequence[ReadyRule], *, now: datetime) -> Iterator[Finding]:
    """Yield what the rules find on live calls that they have not spoken of, or may again."""
    for rule in rules:
        row = rule.row
        calls = Call.objects.live()
        if row.queue:
            calls = calls.filter(queue=row.queue)
        over = _OVER[str(row.kind)](calls, row.limit or 0, now)
        for call in over.exclude(_spoken_of(row, now=now))[:LIMIT]:
            yield Finding(row, call.pk, _told(row, call, now=now), offset_ms=_age_ms(call, now))


def _spoken_of(row: AlertRule, *, now: datetime) -> Exists:
    alerts = Alert.objects.filter(call=OuterRef("pk"), rule=row)
    if row.repeat_after_s is not None:
        alerts = alerts.filter(raised_at__gt=now - timedelta(seconds=row.repeat_after_s))
    return Exists(alerts)


def _silent(calls: QuerySet[Call], limit: float, now: datetime) -> QuerySet[Call]:
    return calls & Call.objects.idle(before=now - timedelta(seconds=limit))


def _lossy(calls: QuerySet[Call], limit: float, now: datetime | None = None) -> QuerySet[Call]:
    """Calls that miss more than ``limit`` percent of the packets that were sent."""
    known = calls.filter(packet_count__gt=LOSS_PACKETS - 1 - F("missing_count"))
    share = limit / 100
    return known.filter(missing_count__gt=share * (F("missing_count") + F("packet_count")))


def is_lossy(call: Call, limit: float) -> bool:
    """The same for one call."""
    sent = call.missing_count + call.packet_count
    return sent >= LOSS_PACKETS and call.missing_count > limit / 100 * sent


def _long(calls: QuerySet[Call], limit: float, now: datetime) -> QuerySet[Call]:
    return calls.filter(opened_at__lt=now - timedelta(seconds=limit))


_OVER: dict[str, Callable[[QuerySet[Call], float, datetime], QuerySet[Call]]] = {
    Kind.SILENCE: _silent,
    Kind.LOSS: _lossy,
    Kind.LONG_CALL: _long,
}


def _told(row: AlertRule, call: Call, *, now: datetime) -> str:
    if row.kind == Kind.SILENCE:
        silent_s = (now - (call.last_packet_at or call.opened_at)).total_seconds()
        return f"No packet for {silent_s:.0f} s; the limit is {row.limit:g} s."
    if row.kind == Kind.LOSS:
        return told_loss(row, call)
    return told_length(row)


def told_length(row: AlertRule) -> str:
    return f"The call is longer than {row.limit:g} s."


def told_loss(row: AlertRule, call: Call) -> str:
    sent = call.missing_count + call.packet_count
    lost = 100 * call.missing_count / sent if sent else 0
    return f"{lost:.1f} % of the packets are missing; the limit is {row.limit:g} %."


def _age_ms(call: Call, now: datetime) -> int:
    return max(0, round((now - call.opened_at).total_seconds() * 1000))
