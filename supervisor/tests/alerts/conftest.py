"""An open alert, for the tests of the alerts page."""

import pytest
from django.utils import timezone

from calls.alerts.matches import AlertMatch
from calls.alerts.services import raise_alerts
from calls.models import AlertRule, Call


@pytest.fixture
def alert(db):
    call = Call.objects.create(call_id="c-1")
    rule = AlertRule.objects.create(
        name="Leaving <soon>", kind="words", severity=3, phrases="cancel"
    )
    match = AlertMatch(rule, call.pk, found="“cancel”", quote="I want to <b>cancel</b>.")
    return raise_alerts([match], now=timezone.now())[0]
