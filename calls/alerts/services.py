"""Raises and acknowledges alerts: one function is one transaction, with its event in the log."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from calls import events
from calls.models import Alert, AlertRule, Call

log = logging.getLogger(__name__)

FOUND_LENGTH, NOTE_LENGTH, NAME_LENGTH = 300, 500, 150


class AlertNotFound(Exception):
    """No alert has this number."""


@dataclass(frozen=True)
class Finding:
    """What a rule found on a call. ``source`` names the place, so that it counts only once."""

    rule: AlertRule
    call_pk: int
    found: str
    source: str | None = None
    quote: str = ""
    speaker: str = ""
    offset_ms: int | None = None


def raise_alerts(findings: Sequence[Finding], *, now: datetime) -> list[Alert]:
    """Raise what is new of some findings, each in a transaction of its own."""
    raised = [_raise(finding, now=now) for finding in _worth_a_look(findings)]
    return [alert for alert in raised if alert is not None]


def _worth_a_look(findings: Sequence[Finding]) -> list[Finding]:
    """Leave out, before any lock, what a rule that speaks once has said already."""
    known: set[Any] = set(
        Alert.objects.filter(
            call__in={finding.call_pk for finding in findings},
            rule__in={finding.rule.pk for finding in findings},
        ).values_list("call", "rule")
        if findings
        else ()
    )
    return [
        finding
        for finding in findings
        if finding.rule.repeat_after_s is not None
        or (finding.call_pk, finding.rule.pk) not in known
    ]


def _raise(finding: Finding, *, now: datetime) -> Alert | None:
    """The call's lock makes raising the same twice impossible; the constraints prove it."""
    rule = finding.rule
    with transaction.atomic():
        call = Call.objects.select_for_update().filter(pk=finding.call_pk).first()
        if call is None or not AlertRule.objects.filter(pk=rule.pk).exists():
            return None  # deleted since
        before = list(call.alerts.filter(rule=rule).order_by("-number")[:1])
        if before and not _may_repeat(before[0], finding, now=now):
            return None
        alert = call.alerts.create(
            rule=rule,
            number=before[0].number + 1 if before else 1,
            source=finding.source,
            name=rule.name,
            kind=rule.kind,
            severity=rule.severity,
            found=finding.found[:FOUND_LENGTH],
            quote=finding.quote,
            speaker=finding.speaker,
            offset_ms=finding.offset_ms,
            raised_at=now,
        )
        events.append([(call, _raised_event(alert))], at=now)
    log.info("call %s: alert %r", call.call_id, rule.name)
    return alert


def _may_repeat(latest: Alert, finding: Finding, *, now: datetime) -> bool:
    pause_s = finding.rule.repeat_after_s
    if pause_s is None or latest.raised_at + timedelta(seconds=pause_s) > now:
        return False
    known = Alert.objects.filter(call=finding.call_pk, rule=finding.rule, source=finding.source)
    return finding.source is None or not known.exists()


def _raised_event(alert: Alert) -> events.AlertRaised:
    return events.AlertRaised(
        alert=alert.pk,
        rule=alert.name,
        kind=str(alert.kind),
        severity=alert.level,
        found=alert.found,
        quote=alert.quote,
        speaker=alert.speaker,
        offset_ms=alert.offset_ms,
    )


def acknowledge_alert(*, alert_id: int, by: str, note: str = "") -> Alert:
    """Note that somebody has seen to an alert. Repeated, it changes nothing: the first stays.

    Raises AlertNotFound.
    """
    now = timezone.now()
    with transaction.atomic():
        # The call before the alert, as everywhere.
        call = Call.objects.select_for_update().filter(alerts=alert_id).first()
        alert = Alert.objects.select_for_update().filter(pk=alert_id, call=call).first()
        if call is None or alert is None:
            raise AlertNotFound(f"There is no alert {alert_id}.")
        if alert.is_open:
            alert.acknowledged_at = now
            alert.acknowledged_by, alert.note = by[:NAME_LENGTH], note[:NOTE_LENGTH]
            alert.save(update_fields=["acknowledged_at", "acknowledged_by", "note"])
            events.append([(call, _acknowledged_event(alert))], at=now)
    return alert


def _acknowledged_event(alert: Alert) -> events.AlertAcknowledged:
    return events.AlertAcknowledged(
        alert=alert.pk,
        rule=alert.name,
        severity=alert.level,
        by=alert.acknowledged_by,
        note=alert.note,
    )
