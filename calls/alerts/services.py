"""Raises and acknowledges alerts. Each alert is one transaction, with its event in the log.

Every write of an alert first locks its call, so an alert can be acknowledged, resolved and
assigned at the same time without one of them being lost.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from django.db import DataError, IntegrityError, transaction
from django.utils import timezone

from calls import events
from calls.alerts.matches import LIVE_SOURCE, PACKET_SOURCE, AlertMatch
from calls.alerts.quiet import is_quiet
from calls.events.alerts import AlertAcknowledged, AlertRaised
from calls.models import Alert, AlertRule, Call
from calls.notifications.services import queue_alert
from calls.operation.lock_waits import leaving_locked, limit_lock_waits
from calls.resolution import resolve
from calls.services import lock_call

log = logging.getLogger(__name__)

# Words heard again in the finished recording may begin or end a little earlier or later.
LIVE_TOLERANCE_MS = 2_000
MAX_OFFSET_MS = 7 * 86_400_000  # clocks of senders may be wrong by any amount
FOUND_LENGTH, NOTE_LENGTH, NAME_LENGTH = 300, 500, 150
# A condition of a live call that returns sooner counts as the same: it is not raised again.
SETTLED = timedelta(minutes=1)
LOCK_MS = 200  # for a locked call, while the alerts of all others wait


class AlertNotFound(Exception):
    """No alert has this id."""


class NothingToAcknowledge(Exception):
    """The call has no open alert."""


def raise_alerts(
    matches: Sequence[AlertMatch], *, now: datetime, held: list[AlertMatch] | None = None
) -> list[Alert]:
    """Raise the matches that are new, each in its own transaction.

    Matches of a call that another transaction holds locked are added to ``held``.
    """
    raised: list[Alert] = []
    locked: set[int] = set()
    for match in _without_already_raised(matches):
        if match.call_pk not in locked:
            with leaving_locked() as left:
                alert = _try_to_raise(match, now=now)
                raised += [alert] if alert else []
            if left.is_locked:
                locked.add(match.call_pk)
        if match.call_pk in locked and held is not None:
            held.append(match)
    return raised


def pairs_already_raised(pairs: Iterable[tuple[AlertRule, int]]) -> set[tuple[int, int]]:
    """Return the (rule, call) keys whose rule raises only once and has raised its alert.

    Without those whose alert was resolved: what it was about may be back.
    """
    once = {(rule.pk, call_pk) for rule, call_pk in pairs if rule.repeat_after_s is None}
    if not once:
        return set()
    # This also finds pairs of one match's rule and another's call. They are dropped below.
    raised_before = Alert.objects.filter(
        rule__in={rule for rule, _ in once}, call__in={call for _, call in once}, resolved_at=None
    )
    return {pair for pair in raised_before.values_list("rule_id", "call_id") if pair in once}


def _without_already_raised(matches: Collection[AlertMatch]) -> list[AlertMatch]:
    """Drop, before any lock, matches of rules that raise only once and have done so."""
    raised_before = pairs_already_raised((match.rule, match.call_pk) for match in matches)
    return [each for each in matches if (each.rule.pk, each.call_pk) not in raised_before]


def _try_to_raise(match: AlertMatch, *, now: datetime) -> Alert | None:
    try:
        return _raise(match, now=now)
    except (DataError, IntegrityError):
        # A retry would fail too and hold up the alerts of all other calls.
        log.exception("an alert of rule %s cannot be stored", match.rule.pk)
        return None


def _raise(match: AlertMatch, *, now: datetime) -> Alert | None:
    """Raise under the call's lock, so that nothing is raised twice; the constraints enforce it."""
    rule = match.rule
    with transaction.atomic():
        limit_lock_waits(LOCK_MS)
        call = Call.objects.select_for_update().filter(pk=match.call_pk).first()
        if call is None or not AlertRule.objects.filter(pk=rule.pk).exists():
            return None  # deleted in the meantime
        if _is_in_quiet_hours(match, call, now=now):
            return None
        before = list(call.alerts.filter(rule=rule).order_by("-number"))
        if before and not _may_repeat(before, match, call, now=now):
            return None
        alert = call.alerts.create(
            rule=rule,
            number=before[0].number + 1 if before else 1,
            source=match.source,
            name=rule.name,
            kind=rule.kind,
            severity=rule.severity,
            found=match.found[:FOUND_LENGTH],
            quote=match.quote,
            speaker=match.speaker,
            offset_ms=match.offset_ms,
            raised_at=now,
            lasts=match.lasts,
        )
        # Its condition may have ended before anybody noticed it. Then it is only history.
        over = [(alert, reason)] if (reason := alert.reason_over(call)) else []
        if not over and not is_quiet(rule.quiet_hours, now):
            queue_alert(alert, now=now)
        events.append([(call, _raised_event(alert)), *resolve(over, now=now)], at=now)
    log.info("call %s: alert %s of rule %s", call.call_id, alert.pk, rule.name)
    return alert


def _is_in_quiet_hours(match: AlertMatch, call: Call, *, now: datetime) -> bool:
    """Whether the rule raises nothing at the moment of the call at which it matched."""
    rule = match.rule
    if rule.quiet_mode != AlertRule.QuietMode.RAISE_NOTHING or not rule.quiet_hours:
        return False
    # A result may arrive hours later. The time that counts is when it happened.
    offset = timedelta(milliseconds=min(match.offset_ms or 0, MAX_OFFSET_MS))
    return is_quiet(rule.quiet_hours, call.opened_at + offset if match.found_after_call else now)


def _may_repeat(before: Sequence[Alert], match: AlertMatch, call: Call, *, now: datetime) -> bool:
    """Whether a rule may raise again. ``before`` are its alerts on this call, newest first."""
    pause_s = match.rule.repeat_after_s
    if pause_s is None:
        return _is_back(before, match, call, now=now)
    if match.source is not None and any(each.source == match.source for each in before):
        return False
    if match.found_after_call and any(_was_raised_live(each, match) for each in before):
        return False
    if match.has_place:
        placed = [each.offset_ms for each in before if each.offset_ms is not None]
        return all(match.distance_ms(offset_ms) >= pause_s * 1000 for offset_ms in placed)
    return before[0].raised_at + timedelta(seconds=pause_s) <= now


def _is_back(before: Sequence[Alert], match: AlertMatch, call: Call, *, now: datetime) -> bool:
    """Whether a rule that raises once may do so again, because its alert was resolved."""
    confirmed = [each for each in before if each.resolved_reason != Alert.Reason.NOT_CONFIRMED]
    if not confirmed:
        return True
    resolved_at = confirmed[0].resolved_at
    is_same = match.source is not None and any(each.source == match.source for each in before)
    if resolved_at is None or not match.lasts or is_same:
        return False
    if match.rule.kind == AlertRule.Kind.FAILED:
        return True  # another round of the analysis failed
    return call.is_live and resolved_at + SETTLED <= now


def _was_raised_live(alert: Alert, match: AlertMatch) -> bool:
    """Whether the result repeats what was found while the call was live."""
    source = alert.source or ""
    if source.startswith(PACKET_SOURCE):
        return True  # all packets were searched: the transcript repeats their words
    if not source.startswith(LIVE_SOURCE):
        return False
    if match.offset_ms is None or alert.offset_ms is None:
        return alert.speaker == match.speaker
    return match.distance_ms(alert.offset_ms) < LIVE_TOLERANCE_MS


def _raised_event(alert: Alert) -> AlertRaised:
    return AlertRaised(
        alert=alert.pk,
        rule=alert.name,
        kind=str(alert.kind),
        severity=alert.level,
        found=alert.found,
        quote=alert.quote,
        speaker=alert.speaker,
        offset_ms=alert.offset_ms,
    )


def lock_alert(alert_id: int) -> Alert:
    """Return the alert with the row of its call locked, and then its own.

    Call inside a transaction. Raises AlertNotFound.
    """
    alerts = Alert.objects.filter(pk=alert_id)
    call = Call.objects.select_for_update().filter(pk__in=alerts.values("call")).first()
    alert = alerts.select_for_update().first()
    if call is None or alert is None:
        raise AlertNotFound(f"There is no alert {alert_id}.")
    alert.call = call
    return alert


def acknowledge_alert(
    *, alert_id: int, by: str, note: str = "", at: datetime | None = None
) -> tuple[Alert, bool]:
    """Acknowledge an alert, also one that was resolved or is snoozed.

    If it is already acknowledged, nothing changes. Returns the alert, and whether this was the
    first time. Raises AlertNotFound.
    """
    now = at or timezone.now()
    with transaction.atomic():
        alert = lock_alert(alert_id)
        if alert.acknowledged_at is not None:
            return alert, False
        alert.acknowledged_at, alert.snoozed_until = now, None
        alert.acknowledged_by, alert.note = by[:NAME_LENGTH], note[:NOTE_LENGTH]
        fields = ["acknowledged_at", "acknowledged_by", "note", "snoozed_until"]
        alert.save(update_fields=fields)
        events.append([(alert.call, _acknowledged_event(alert))], at=now)
    return alert, True


def acknowledge_alerts(
    *, alert_ids: Sequence[int], by: str, note: str = "", at: datetime | None = None
) -> list[int]:
    """Acknowledge many, each in its own transaction. Returns those that were not acknowledged."""
    done = []
    for alert_id in alert_ids:
        try:
            _, is_first = acknowledge_alert(alert_id=alert_id, by=by, note=note, at=at)
        except AlertNotFound:
            continue  # its call was deleted in the meantime
        if is_first:
            done.append(alert_id)
    return done


def acknowledge_call(*, call_id: str, by: str) -> int:
    """Acknowledge every open alert of a call. Returns how many there were.

    Raises CallNotFound, and NothingToAcknowledge if there is none.
    """
    with transaction.atomic():
        call = lock_call(call_id)
        alert_ids = list(Alert.objects.open().filter(call=call).values_list("pk", flat=True))
        if not alert_ids:
            raise NothingToAcknowledge("This call has no open alert.")
        return len(acknowledge_alerts(alert_ids=alert_ids, by=by))


def _acknowledged_event(alert: Alert) -> AlertAcknowledged:
    return AlertAcknowledged(
        alert=alert.pk,
        rule=alert.name,
        severity=alert.level,
        by=alert.acknowledged_by,
        note=alert.note,
    )
