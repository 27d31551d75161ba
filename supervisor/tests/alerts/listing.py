"""More alerts, and which of them a page lists."""

import re

from django.utils import timezone

from calls.alerts.matches import AlertMatch
from calls.alerts.services import raise_alerts
from calls.models import AlertRule, Call


def more(call_id, *, name="Silence", severity=2, queue=""):
    call, _ = Call.objects.get_or_create(call_id=call_id, defaults={"queue": queue})
    fields = {"kind": "silence", "severity": severity, "limit": 30}
    rule, _ = AlertRule.objects.get_or_create(name=name, defaults=fields)
    AlertRule.objects.filter(pk=rule.pk).update(severity=severity)
    rule.refresh_from_db()
    return raise_alerts([AlertMatch(rule, call.pk, found="x")], now=timezone.now())[0]


def page_of(client, query=""):
    return client.get(f"/supervisor/alerts/{query}").content.decode()


def listed(client, query=""):
    return re.findall(r'<li class="alert [^"]*" id="alert-(\d+)"', page_of(client, query))
