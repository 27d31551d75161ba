"""Rows of every model that has pages in the admin."""

from __future__ import annotations

from datetime import timedelta

from axes.models import AccessAttempt, AccessLog
from django.contrib.auth.models import Group, User
from django.utils import timezone
from django_q.models import Failure, OrmQ, Schedule, Success

from calls.actions.bulk import start_bulk
from calls.annotations import add_note, add_tag
from calls.displays import create_display
from calls.holds.services import hold_customer
from calls.keys import create_key
from calls.listening import start_listening
from calls.models import (
    Alert,
    AlertRule,
    Attempt,
    Call,
    CustomField,
    Erasure,
    Insight,
    NotificationDelivery,
    NotificationTarget,
    ProviderHealth,
    QueueThreshold,
    Recording,
    SignOnIdentity,
    Team,
    WebhookDelivery,
    WebhookEndpoint,
    WorkerHeartbeat,
)
from calls.people.agents import find_agent
from calls.tests.factories import archived_call, failed_call, live_call

LONG = "a-call-id-that-a-telephone-system-made-of-many-parts-2026-11-29T12:00:00Z"
ERROR = "503 Service Unavailable: the model is overloaded, try again in a while. " * 3


def make_rows(mark: str) -> None:
    """Make rows of every model, with long and with missing values, named after ``mark``."""
    _make_calls(mark)
    _make_set_up(mark)
    _make_health(mark)


def _make_calls(mark: str) -> None:
    now = timezone.now()
    live, failed = live_call(f"{LONG}-live-{mark}"), failed_call(f"failed-{mark}")
    archived = archived_call(f"archived-{mark}")
    Call.objects.filter(pk=failed.pk).update(
        last_error=ERROR, queue="retention and cancellations", agent="Maximiliane von Hohenstein"
    )
    Attempt.objects.create(
        call=failed, round=1, stage="transcribe", number=1, provider="openai-compatible",
        lease_token=1, outcome="failed", code="unavailable", error=ERROR, started_at=now,
        finished_at=now, retry_at=now,
    )  # fmt: skip
    Recording.objects.create(call=archived, version=1, duration_ms=1, size=1, created_at=now)
    Alert.objects.create(
        call=failed, rule=AlertRule.objects.first(), name=f"Analysis failed {mark}", severity=3,
        kind="analysis_failed", found=ERROR[:300],
    )  # fmt: skip
    add_tag(call_id=failed.call_id, name="vip", by="ana")
    add_note(call_id=failed.call_id, text="Hello.", by="ana")
    start_bulk(
        kind="retry",
        call_ids=[f"nowhere-{mark}"],
        by="ana",
        query="?queue=retention+and+cancellations&state=FAILED&sort=-loss",
    )
    Erasure.objects.create(reason=f"Case {mark}", by="ana", counts={"calls": 2})
    hold_customer(number=f"+49 30 {900 + int(mark)}", reason="Case 4711", by="ana")
    start_listening(call=live, by="ana", process="web-1")  # and an entry of the audit log


def _make_set_up(mark: str) -> None:
    endpoint = WebhookEndpoint.objects.create(
        name=f"crm {mark}", url="https://crm.example.com/a/rather/long/path/of/a/hook",
        enabled=False, disabled_reason=ERROR[:300],
    )  # fmt: skip
    WebhookEndpoint.objects.create(
        name=f"bi {mark}", url="https://bi.example.com/", failing_since=timezone.now()
    )
    WebhookDelivery.objects.create(
        endpoint=endpoint, message_id=f"alert_raised_{mark}", type="alert_acknowledged", body="{}",
        error=ERROR[:300], status_code=503, duration_ms=227, next_attempt_at=timezone.now(),
    )  # fmt: skip
    create_display(name=f"hall {mark}")
    CustomField.objects.create(name=f"crm_{mark.lower()}", label=f"CRM {mark}", kind="link")
    QueueThreshold.objects.create(queue=f"billing {mark}")
    _make_notifications(mark)
    create_key(name=f"PBX {mark}", scopes=["ingest", "read", "supervise"])
    Insight.objects.create(name=f"reason-{mark}", question="Why did the customer call?")
    user = User.objects.create(username=f"user-{mark}", first_name="Ana", is_staff=True)
    SignOnIdentity.objects.create(user=user, provider="https://login.example", subject=mark)
    user.groups.add(Group.objects.create(name=f"group {mark}"))
    team = Team.objects.create(name=f"team {mark}")
    team.queues.create(queue=f"billing {mark}")
    team.members.add(user)
    find_agent(f"Ann {mark}").teams.add(team)


def _make_notifications(mark: str) -> None:
    target = NotificationTarget.objects.create(
        name=f"team {mark}", kind="slack", address="https://hooks.slack.com/services/T0/B0/secret",
        queues=["retention and cancellations"], enabled=False, disabled_reason=ERROR[:300],
    )  # fmt: skip
    NotificationTarget.objects.create(
        name=f"shift {mark}", kind="email", address="shift-leads@example.com",
        failing_since=timezone.now(), last_result=ERROR[:300],
    )  # fmt: skip
    NotificationDelivery.objects.create(
        target=target, alert=Alert.objects.latest("pk"), error=ERROR[:300], duration_ms=227,
        next_attempt_at=timezone.now(),
    )  # fmt: skip


def _make_health(mark: str) -> None:
    now = timezone.now()
    for name, age in (("alive", 0), ("silent", 300)):
        seen_at = now - timedelta(seconds=age)
        WorkerHeartbeat.objects.create(name=f"{name}:{mark}", started_at=seen_at, seen_at=seen_at)
    ProviderHealth.objects.create(
        provider=f"openai-{mark}", stage="transcribe", failed_at=now, failures=11, error=ERROR,
        down_since=now, probe_at=now,
    )  # fmt: skip
    task = {"func": "calls.tasks.sweep", "started": now, "stopped": now}
    Success.objects.create(id=f"s{mark}", name=f"success-{mark}", success=True, **task)
    Failure.objects.create(
        id=f"f{mark}", name=f"failure-{mark}", success=False, result=ERROR, **task
    )
    Schedule.objects.create(name=f"schedule-{mark}", func="calls.tasks.sweep", task=f"s{mark}")
    assert OrmQ.objects.exists(), "no job was queued by ending a call"
    AccessAttempt.objects.create(
        username=f"locked-{mark}", path_info="/", ip_address="127.0.0.1", attempt_time=now,
        failures_since_start=10, user_agent="Mozilla/5.0 " * 10,
    )  # fmt: skip
    AccessLog.objects.create(username=f"ana-{mark}", path_info="/", ip_address="127.0.0.1")
