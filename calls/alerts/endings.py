"""Resolves alerts whose condition has ended while their call is live, or with a new result.

``calls.resolution`` resolves those that end with the state of the call, in the transaction of
that change. What it could not see is repeated here: alerts of an older version of the program.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from django.db import DatabaseError, transaction
from django.db.models import Q

from calls import events
from calls.alerts.kinds import KINDS
from calls.alerts.kinds.base import LiveLook, ReadyRule
from calls.alerts.live.heard import HeardCall
from calls.alerts.live.utterances import LiveTail
from calls.alerts.matches import LIVE_SOURCE
from calls.alerts.rules import conditions_of, ready
from calls.alerts.services import LOCK_MS, AlertNotFound, lock_alert
from calls.lifecycle import CallState
from calls.models import Alert, AlertRule, Analysis, Call
from calls.operation.lock_waits import leaving_locked, limit_lock_waits
from calls.resolution import resolve, resolve_over

log = logging.getLogger(__name__)

LIMIT = 500
_KINDS = AlertRule.Kind


def adopt_alerts() -> int:
    """Mark alerts that an older version of the program raised as having a lasting condition.

    Such a version may run until its processes are restarted. Returns how many.
    """
    live = Q(source=None) | Q(source__startswith=LIVE_SOURCE)
    lasting = Q(kind__in=(_KINDS.LOSS, _KINDS.LONG_CALL, _KINDS.FAILED))
    lasting |= Q(kind=_KINDS.SILENCE) & live
    return Alert.objects.open().filter(lasting, lasts=False).update(lasts=True)


def resolve_left_over(*, now: datetime) -> int:
    """Resolve alerts whose condition ended with their call, if nobody has. Returns how many."""
    calls = Alert.objects.over().order_by().values_list("call_id", flat=True).distinct()
    count = 0
    for call_pk in list(calls[:LIMIT]):
        with leaving_locked(), transaction.atomic():
            limit_lock_waits(LOCK_MS)
            if Call.objects.select_for_update().filter(pk=call_pk).exists():
                entries = resolve_over([call_pk], now=now)
                events.append(entries, at=now)
                count += len(entries)
    return count


def resolve_live(*, now: datetime) -> int:
    """Resolve alerts whose condition has ended while their call continues. Returns how many."""
    lasting = Alert.objects.lasting().filter(call__state=CallState.IN_PROGRESS)
    alerts = list(lasting.exclude(rule=None).select_related("call", "rule").order_by("pk"))
    by_ear = {each.call_id for each in alerts if _is_by_ear(each)}
    heard = {each.pk: each for each in LiveTail().read_known(by_ear)}
    return sum(_resolve(each.pk, heard, now=now) for each in alerts if _why(each, heard, now=now))


def _is_by_ear(alert: Alert) -> bool:
    """Whether the live words of the call decide when the alert is over."""
    conditions = alert.rule.conditions if alert.rule else []
    is_heard = (alert.source or "").startswith(LIVE_SOURCE)
    return is_heard or any(KINDS[each["kind"]].hears for each in conditions)


def _resolve(alert_id: int, heard: Mapping[int, HeardCall], *, now: datetime) -> bool:
    with leaving_locked(), transaction.atomic():
        limit_lock_waits(LOCK_MS)
        try:
            alert = lock_alert(alert_id)
        except AlertNotFound:
            return False
        # Check again under the lock: the silence may have begun again, or the call has ended.
        reason = _why(alert, heard, now=now) if alert.lasts and not alert.resolved_at else ""
        if reason and alert.call.is_live:
            events.append(resolve([(alert, reason)], now=now), at=now)
            return True
    return False


def _why(alert: Alert, heard: Mapping[int, HeardCall], *, now: datetime) -> str:
    rule = alert.rule
    if rule is None or rule.kind != alert.kind:
        return ""
    look = LiveLook(alert, alert.call, heard.get(alert.call_id), now, alert.speaker)
    try:
        return _first_over(rule, look)
    except DatabaseError:
        raise
    except Exception:
        # Invalid figures of one call must not keep the alerts of all other calls open.
        log.exception("alert %d is not checked", alert.pk)
        return ""


def _first_over(rule: AlertRule, look: LiveLook) -> str:
    """Return why the first of the rule and its conditions has ended, or an empty string.

    Nothing searches for words here, so none are compiled.
    """
    if reason := KINDS[rule.kind].reason_over(ReadyRule(rule), look):
        return reason
    for part in conditions_of(rule):
        of_part = replace(look, speaker=part.speaker)
        if reason := KINDS[part.kind].reason_over(ReadyRule(part), of_part):
            return reason
    return ""


def judge_again(call: Call, analysis: Analysis, *, now: datetime) -> None:
    """Compare the alerts of an archived call with its new result.

    Those that it does not confirm are resolved, for instance after the speakers were swapped.
    Raises OperationalError if another transaction holds the call locked.
    """
    open_alerts = call.alerts.unhandled().exclude(rule=None).select_related("rule")
    if not open_alerts:
        return
    with transaction.atomic():
        limit_lock_waits(LOCK_MS)
        locked = Call.objects.select_for_update().filter(pk=call.pk).first()
        if locked is None or locked.state != CallState.ARCHIVED:
            return  # the next result counts
        alerts = list(open_alerts.select_related("call", "rule").order_by("pk"))
        refuted = list(_refuted(alerts, locked, analysis))
        # From now on, it is what the call was like.
        lasting = call.alerts.exclude(kind__in=Alert.ENDS_WITH_STATE)
        lasting.filter(resolved_at=None, lasts=True).update(lasts=False)
        reason = Alert.Reason.NOT_CONFIRMED
        events.append(resolve([(each, reason) for each in refuted], now=now), at=now)


def _refuted(alerts: Sequence[Alert], call: Call, analysis: Analysis) -> Iterator[Alert]:
    for alert in alerts:
        rule = alert.rule
        if rule is None or rule.kind != alert.kind:
            continue
        is_other_side = rule.speaker and alert.speaker and rule.speaker != alert.speaker
        if is_other_side or not _is_confirmed(ready(rule), alert, call, analysis):
            yield alert


def _is_confirmed(rule: ReadyRule, alert: Alert, call: Call, analysis: Analysis) -> bool:
    """Whether the result leaves the rule and each of its conditions as they were."""
    parts = [(rule, alert.speaker), *((part, part.row.speaker) for part in rule.conditions)]
    return all(
        KINDS[part.row.kind].is_confirmed(part, call, analysis, speaker=speaker)
        for part, speaker in parts
    )
