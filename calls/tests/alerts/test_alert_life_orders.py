"""In any order of events and actions, no alert stays open without a reason."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calls import services
from calls.alerts.endings import resolve_left_over, resolve_live
from calls.alerts.handling import (
    AlertClosed,
    reopen_alert,
    snooze_alert,
    undo_acknowledgement,
    wake_snoozed,
)
from calls.alerts.kinds import LIVE_KINDS
from calls.alerts.live.sweep import sweep_live
from calls.alerts.services import acknowledge_alert, raise_alerts
from calls.events import head
from calls.lifecycle import CallState
from calls.models import Alert, AlertRule, Call, CallEvent
from calls.tests.alerts.hearing import book, look_at_log, rule
from calls.tests.alerts.test_alert_endings import analyse, fail
from calls.tests.factories import live_call

pytestmark = pytest.mark.django_db
CALL = ("speak", "fall_silent", "end", "fail", "analyse", "dismiss", "retry", "reanalyse")
PEOPLE = ("acknowledge", "reopen", "snooze", "undo")
WATCHER = ("sweep", "read_log")


class Story:
    """Does what the services and the watcher do, with the time passed in."""

    def __init__(self):
        self.call_id = live_call().call_id
        self.now, self.offset, self.acknowledged = timezone.now(), head(), None

    def call(self):
        return Call.objects.get(call_id=self.call_id)

    def newest(self):
        return Alert.objects.order_by("-pk").values_list("pk", flat=True).first()

    def act(self, step):
        self.now += timedelta(seconds=20)
        # The state of the call or of the alert may not allow it.
        with suppress(services.NotPossible, AlertClosed):
            getattr(self, step)()

    def speak(self):
        Call.objects.update(last_packet_at=self.now)

    def fall_silent(self):
        Call.objects.update(last_packet_at=self.now - timedelta(hours=1))

    def end(self):
        services.end_call(call_id=self.call_id)

    def fail(self):
        if self.call().state == CallState.COMPLETED:
            fail()

    def analyse(self):
        if self.call().state == CallState.COMPLETED:
            analyse(self.call())

    def dismiss(self):
        services.dismiss_call(call_id=self.call_id)

    def retry(self):
        services.retry_call(call_id=self.call_id)

    def reanalyse(self):
        services.reanalyse_call(call_id=self.call_id)

    def acknowledge(self):
        if newest := self.newest():
            acknowledge_alert(alert_id=newest, by="ann", at=self.now)
            self.acknowledged = (newest, self.now)

    def reopen(self):
        if newest := self.newest():
            reopen_alert(alert_id=newest, by="ann")

    def snooze(self):
        if newest := self.newest():
            snooze_alert(alert_id=newest, until=timezone.now() + timedelta(minutes=1), by="ann")

    def undo(self):
        if self.acknowledged:
            pk, at = self.acknowledged
            undo_acknowledgement(alert_ids=[pk], by="ann", at=at)

    def sweep(self):
        resolve_live(now=self.now)
        resolve_left_over(now=self.now)
        wake_snoozed(now=self.now)
        raise_alerts(list(sweep_live(book().of(*LIVE_KINDS), now=self.now)), now=self.now)

    def read_log(self):
        self.offset = look_at_log(now=self.now, after=self.offset)


def is_justified(alert):
    """Whether the condition of an alert that is not resolved holds."""
    call = alert.call
    if alert.kind == "analysis_failed":
        is_being_retried = call.state in (CallState.COMPLETED, CallState.PROCESSING_AI)
        return is_being_retried or (call.state == CallState.FAILED and not call.dismissed_at)
    return call.state == CallState.IN_PROGRESS


def is_open_in_log(alert):
    """Whether the alert is open, as told by its events."""
    is_acknowledged = is_snoozed = is_resolved = False
    for event in CallEvent.objects.filter(data__alert=alert.pk).order_by("pk"):
        match event.type:
            case "alert_acknowledged":
                is_acknowledged = True
            case "alert_snoozed":
                is_snoozed = True
            case "alert_reopened":
                is_acknowledged = is_snoozed = False
            case "alert_resolved":
                is_resolved = True
    return not (is_acknowledged or is_snoozed or is_resolved)


@given(st.lists(st.sampled_from((*CALL, *CALL, *PEOPLE, *WATCHER, *WATCHER)), max_size=16))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_alert_stays_open_after_its_condition_has_ended(steps):
    with transaction.atomic():
        AlertRule.objects.all().delete()
        for kind, limit in (("silence", 60), ("long_call", 3600), ("analysis_failed", None)):
            rule(kind, limit=limit)
        story = Story()

        for step in (*steps, "read_log", "sweep"):
            story.act(step)

        found = list(problems())
        transaction.set_rollback(True)
    assert found == []


def problems():
    """Return what is wrong with the alerts, by the state of their calls and by the log."""
    alerts = list(Alert.objects.select_related("call"))
    resolved = Counter(
        event.data["alert"] for event in CallEvent.objects.filter(type="alert_resolved")
    )
    unresolved = Counter(alert.kind for alert in alerts if not alert.resolved_at)
    for alert in alerts:
        if resolved[alert.pk] != (alert.resolved_at is not None):
            yield f"{alert.kind} was told to be resolved {resolved[alert.pk]} times"
        if not alert.resolved_at and not is_justified(alert):
            yield f"{alert.kind} is unresolved after it was over"
        if alert.is_open != is_open_in_log(alert):
            yield f"{alert.kind} is open in one of the log and the row only"
    yield from (f"{kind} is open {count} times" for kind, count in unresolved.items() if count > 1)
    if Call.objects.dead().exists() and not unresolved["analysis_failed"]:
        yield "a failed call has no alert"
