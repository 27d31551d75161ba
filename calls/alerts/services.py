"""Raises and acknowledges alerts: one function is one transaction, with its event in the log."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DataError, IntegrityError, transaction
from django.utils import timezone

from calls import events
from calls.models import Alert, AlertRule, Call
from calls.services import lock_call

log = logging.getLogger(__name__)

PACKET = "packet:"  # what the source of words in a packet begins with
FOUND_LENGTH, NOTE_LENGTH, NAME_LENGTH = 300, 500, 150


class AlertNotFound(Exception):
    """No alert has this number."""


class NothingToAcknowledge(Exception):
    """The call has no open alert."""


@dataclass(frozen=True)
class Finding:
    """What a rule found on a call. ``source`` names the place, so that it counts only once.

    ``in_hindsight``: it was read when the call was over, so that a rule that may repeat goes by
    where in the call it was found, and not by when.
    """

    rule: AlertRule
    call_pk: int
    found: str
    source: str | None = None
    quote: str = ""
    speaker: str = ""
    offset_ms: int | None = None
    in_hindsight: bool = False

    @property
    def offset_s(self) -> float | None:
        return None if self.offset_ms is None else self.offset_ms / 1000


def raise_alerts(findings: Sequence[Finding], *, now: datetime) -> list[Alert]:
    """Raise what is new of some findings, each in a transaction of its own."""
    raised = [_try_to_raise(finding, now=now) for finding in _worth_a_look(findings)]
    return [alert for alert in raised if alert is not None]


def rules_that_spoke(pairs: Iterable[tuple[AlertRule, int]]) -> set[tuple[int, int]]:
    """Of rules that speak once and keys of calls, return the keys of those that have spoken."""
    once = {(rule.pk, call_pk) for rule, call_pk in pairs if rule.repeat_after_s is None}
    if not once:
        return set()
    spoken = Alert.objects.filter(
        rule__in={rule for rule, _ in once}, call__in={call for _, call in once}
    )
    return {pair for pair in spoken.values_list("rule_id", "call_id") if pair in once}


def _worth_a_look(findings: Collection[Finding]) -> list[Finding]:
    """Leave out, before any lock, what a rule that speaks once has said already."""
    spoken = rules_that_spoke((finding.rule, finding.call_pk) for finding in findings)
    return [each for each in findings if (each.rule.pk, each.call_pk) not in spoken]


def _try_to_raise(finding: Finding, *, now: datetime) -> Alert | None:
    try:
        return _raise(finding, now=now)
    except (DataError, IntegrityError):
        # Tried again it would fail again, and hold up the alerts of every other call.
        log.exception("an alert of rule %s cannot be stored", finding.rule.pk)
        return None


def _raise(finding: Finding, *, now: datetime) -> Alert | None:
    """The call's lock makes raising the same twice impossible; the constraints prove it."""
    rule = finding.rule
    with transaction.atomic():
        call = Call.objects.select_for_update().filter(pk=finding.call_pk).first()
        if call is None or not AlertRule.objects.filter(pk=rule.pk).exists():
            return None  # deleted since
        before = list(call.alerts.filter(rule=rule).order_by("-number"))
        if before and not _may_repeat(before, finding, now=now):
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


def _may_repeat(before: Sequence[Alert], finding: Finding, *, now: datetime) -> bool:
    """Whether a rule may speak again; ``before`` is what it said of this call, newest first."""
    pause_s = finding.rule.repeat_after_s
    if pause_s is None:
        return False
    sources = {alert.source for alert in before} - {None}
    if finding.source in sources:
        return False
    if finding.in_hindsight and finding.offset_ms is not None:
        if any(str(source).startswith(PACKET) for source in sources):
            return False  # every packet was looked at: its words come a second time
        at_ms = finding.offset_ms
        near = (abs(each.offset_ms - at_ms) for each in before if each.offset_ms is not None)
        return min(near, default=pause_s * 1000) >= pause_s * 1000
    return before[0].raised_at + timedelta(seconds=pause_s) <= now


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


def acknowledge_alert(*, alert_id: int, by: str, note: str = "") -> tuple[Alert, bool]:
    """Note that somebody has seen to an alert. Repeated, it changes nothing: the first stays.

    Returns the alert, and whether this was the first time. Raises AlertNotFound.
    """
    now = timezone.now()
    with transaction.atomic():
        # The call before the alert, as everywhere.
        alerts = Alert.objects.filter(pk=alert_id)
        call = Call.objects.select_for_update().filter(pk__in=alerts.values("call")).first()
        alert = alerts.select_for_update().first()
        if call is None or alert is None:
            raise AlertNotFound(f"There is no alert {alert_id}.")
        if not alert.is_open:
            return alert, False
        alert.acknowledged_at = now
        alert.acknowledged_by, alert.note = by[:NAME_LENGTH], note[:NOTE_LENGTH]
        alert.save(update_fields=["acknowledged_at", "acknowledged_by", "note"])
        events.append([(call, _acknowledged_event(alert))], at=now)
    return alert, True


def acknowledge_alerts(*, alert_ids: Sequence[int], by: str, note: str = "") -> int:
    """Acknowledge many, each in a transaction of its own. Returns how many were open until now."""
    count = 0
    for alert_id in alert_ids:
        try:
            _, is_first = acknowledge_alert(alert_id=alert_id, by=by, note=note)
        except AlertNotFound:
            continue  # its call was deleted meanwhile
        count += is_first
    return count


def acknowledge_call(*, call_id: str, by: str) -> int:
    """Acknowledge every open alert of a call. Returns how many there were.

    Raises CallNotFound, and NothingToAcknowledge if there is none.
    """
    with transaction.atomic():
        call = lock_call(call_id)
        alert_ids = list(Alert.objects.open().filter(call=call).values_list("pk", flat=True))
        if not alert_ids:
            raise NothingToAcknowledge("This call has no open alert.")
        return acknowledge_alerts(alert_ids=alert_ids, by=by)


def _acknowledged_event(alert: Alert) -> events.AlertAcknowledged:
    return events.AlertAcknowledged(
        alert=alert.pk,
        rule=alert.name,
        severity=alert.level,
        by=alert.acknowledged_by,
        note=alert.note,
    )
