"""Checks live calls against the rules about their state, in SQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q

from calls.alerts.kinds import KINDS
from calls.alerts.kinds.base import ReadyRule
from calls.alerts.matches import AlertMatch
from calls.alerts.services import SETTLED
from calls.models import Alert, AlertRule, Call

# Matches of one rule in one sweep. The others follow in the next one, two seconds later.
LIMIT = 500


def sweep_live(rules: Sequence[ReadyRule], *, now: datetime) -> Iterator[AlertMatch]:
    """Yield matches on live calls, except those for which a rule must not raise an alert now."""
    for rule in rules:
        row, kind = rule.row, KINDS[rule.row.kind]
        calls = Call.objects.live()
        if row.queue:
            calls = calls.filter(queue=row.queue)
        matching = kind.live_calls(calls, limit=rule.limit, now=now)
        for call in matching.exclude(_already_raised(row, now=now))[:LIMIT]:
            text = kind.describe_live(row, call, now=now)
            yield AlertMatch(row, call.pk, text, offset_ms=_age_ms(call, now), lasts=True)


def _already_raised(row: AlertRule, *, now: datetime) -> Exists:
    alerts = Alert.objects.filter(call=OuterRef("pk"), rule=row)
    if row.repeat_after_s is not None:
        recent = Q(raised_at__gt=now - timedelta(seconds=row.repeat_after_s))
    else:
        # A condition that ended may be back.
        recent = Q(resolved_at=None) | Q(resolved_at__gt=now - SETTLED)
    return Exists(alerts.filter(recent))


def _age_ms(call: Call, now: datetime) -> int:
    return max(0, round((now - call.opened_at).total_seconds() * 1000))
