"""After an upgrade, alerts whose condition is over are closed without events."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps

from calls.models import Alert, CallEvent

pytestmark = pytest.mark.django_db
upgrade = import_module("calls.migrations.0033_alert_life").resolve_what_is_over

CASES = [
    ("silence", None, "IN_PROGRESS", "open", True),
    ("silence", None, "ARCHIVED", "call_ended", True),
    ("silence", "live:silence:9", "COMPLETED", "call_ended", True),
    ("silence", "non_talk:400", "ARCHIVED", "open", False),
    ("long_call", "end", "ARCHIVED", "call_ended", True),
    ("loss", None, "FAILED", "call_ended", True),
    ("analysis_failed", "event:1", "FAILED", "open", True),
    ("analysis_failed", "event:1", "COMPLETED", "open", True),
    ("analysis_failed", "event:1", "ARCHIVED", "analysed", True),
    ("words", "packet:1", "ARCHIVED", "open", False),
    ("sentiment", "live:sentiment:customer:3", "ARCHIVED", "open", False),
]


@pytest.mark.parametrize(("kind", "source", "state", "becomes", "lasts"), CASES)
def test_an_open_alert_is_closed_if_what_it_was_about_is_over(
    call_in, kind, source, state, becomes, lasts
):
    call = call_in(state)
    alert = call.alerts.create(kind=kind, source=source, name="Old", severity=2, found="x")

    upgrade(apps, None)

    alert.refresh_from_db()
    assert (alert.resolved_reason or str(alert.state), alert.lasts) == (becomes, lasts)
    if kind != "analysis_failed" and alert.resolved_at:
        assert alert.resolved_at == call.ended_at
    assert not CallEvent.objects.exists()


def test_a_dismissed_failure_is_closed_and_what_somebody_acknowledged_stays_as_it_is(call_in):
    call = call_in("FAILED")
    call.dismissed_at = call.ended_at
    call.save(update_fields=["dismissed_at"])
    fields = {"kind": "analysis_failed", "name": "Old", "severity": 2, "found": "x"}
    stale = call.alerts.create(**fields)
    seen = call.alerts.create(**fields, number=2, acknowledged_at=call.ended_at)

    upgrade(apps, None)

    stale.refresh_from_db()
    seen.refresh_from_db()
    assert stale.resolved_reason == "dismissed"
    assert (seen.state, seen.resolved_at) == (Alert.State.ACKNOWLEDGED, None)
