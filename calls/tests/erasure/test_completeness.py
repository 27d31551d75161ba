"""After an erasure, no column of any table and no file holds anything of the call.

A new model fails here until somebody has decided what an erasure does with its rows.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, models
from django.utils import timezone

from calls.audit.record import record_audit
from calls.erasure.services import carry_on, start_erasure
from calls.holds.services import release_hold, set_hold
from calls.models import (
    AuditEntry,
    BulkAction,
    BulkItem,
    Call,
    CallEvent,
    CustomField,
    FullText,
    LegalHold,
    NotificationTarget,
    SavedView,
    WebhookDelivery,
    WebhookEndpoint,
)
from calls.tests.factories import archived_call

pytestmark = pytest.mark.django_db
MARK = "zqxmarker"
NUMBER = "+49 30 5550199"
DIGITS = "5550199"

# Deleted with the call, by the database.
WITH_THE_CALL = {
    "Alert", "Analysis", "Attempt", "Call", "CallEvent", "CallViewing", "ListenSession",
    "FieldValue", "LiveTranscription", "LiveUtterance", "MediaConnection", "Note",
    "NotificationDelivery",
    "Packet", "PrunedRange", "Recording", "SearchEntry", "Stream", "Tag", "Transcript",
}  # fmt: skip
# Found and removed or emptied by calls/erasure/traces.py, or by the deletion itself.
BY_THE_ERASURE = {
    "AuditEntry", "BulkAction", "BulkItem", "FullText", "LegalHold", "LogEntry", "SavedView",
    "WebhookDelivery",
}  # fmt: skip
# The erasure itself, which holds digests only once it is finished.
ITS_OWN = {"Erasure", "ErasureItem"}
# Set up by people, or about the site: nothing of a call gets there.
NOTHING_OF_A_CALL = {
    "Agent", "AgentName", "Team", "TeamQueue",
    "AccessAttempt", "AccessAttemptExpiration", "AccessFailureLog", "AccessLog", "AlertRule",
    "AnalysisPause", "ApiKey", "AuditCut", "ContentType", "CustomField", "DisplayScreen",
    "EventLog", "Failure", "Group", "IngestReport", "Insight", "ListenerReport", "LoginSession",
    "MinuteSample", "NotificationTarget",
    "OrmQ", "Permission", "Preferences", "ProcessFigures", "ProviderHealth", "QueueThreshold",
    "Schedule", "Session", "SignOnIdentity", "StaticDevice", "StaticToken", "Success",
    "TOTPDevice", "Task", "User", "Watch", "WebhookEndpoint", "WorkerHeartbeat",
}  # fmt: skip
DECIDED = WITH_THE_CALL | BY_THE_ERASURE | ITS_OWN | NOTHING_OF_A_CALL


def test_somebody_has_decided_about_every_model():
    undecided = {model.__name__ for model in apps.get_models()} - DECIDED

    assert undecided == set(), "say in this file what an erasure does with their rows"


def _path_to_call(model, seen=()):
    """Return the foreign keys that lead to a call, for example stream__call."""
    for field in model._meta.concrete_fields:
        if not field.is_relation or field.related_model in (model, *seen):
            continue
        if field.related_model is Call:
            return field.name
        if below := _path_to_call(field.related_model, (model, *seen)):
            return f"{field.name}__{below}"
    return ""


def _value(field):
    if isinstance(field, models.JSONField):
        return [MARK]
    if isinstance(field, (models.CharField, models.TextField, models.FileField)):
        return MARK[: field.max_length or 99]
    if isinstance(field, models.DateTimeField):
        return timezone.now()
    return 1


def _make(model, call):
    """Make a row about the call, with the mark wherever a value is needed."""
    values = {}
    for field in model._meta.concrete_fields:
        if field.primary_key and not field.is_relation:
            continue
        if field.related_model is Call:
            values[field.name] = call
        elif field.is_relation:
            values[field.name] = _rows(field.related_model, call).first()
        elif not field.null and not field.has_default():
            values[field.name] = _value(field)
    return model.objects.create(**values)


def _rows(model, call):
    path = _path_to_call(model)
    return model.objects.filter(**{path: call}) if path else model.objects.all()


def _mark(model, call):
    """Write the mark into every text of the rows about a call."""
    texts = [
        field
        for field in model._meta.concrete_fields
        if isinstance(field, (models.CharField, models.TextField, models.JSONField))
        and not field.is_relation
        and not field.primary_key
    ]
    for row in models.QuerySet(model).filter(**{_path_to_call(model): call}):
        values = {
            field.attname: f"{MARK}{row.pk}"[: field.max_length]
            if isinstance(field, models.CharField) and field.unique
            else _value(field)
            for field in texts
        }
        values.pop("state", None) if model is Call else None
        models.QuerySet(model).filter(pk=row.pk).update(**values)


def _fill(call):
    WebhookEndpoint.objects.create(name="crm", url="https://crm.example.com/")
    CustomField.objects.create(name="crm", label="CRM")
    NotificationTarget.objects.create(name="ops", kind="email", address="ops@example.com")
    by_name = {model.__name__: model for model in apps.get_models()}
    of_calls = [by_name[name] for name in sorted(WITH_THE_CALL - {"Call", "SearchEntry"})]
    for model in sorted(of_calls, key=lambda each: _path_to_call(each).count("__")):
        if not _rows(model, call).exists():
            _make(model, call)
    for model in of_calls:
        _mark(model, call)
    for suffix in ("wav", "redacted.wav"):
        default_storage.save(f"recordings/2026-11-29/{MARK}.{suffix}", ContentFile(b"sound"))
    call.recording.__class__.objects.filter(call=call).update(
        file=f"recordings/2026-11-29/{MARK}.wav",
        redacted_file=f"recordings/2026-11-29/{MARK}.redacted.wav",
    )
    Call.objects.filter(pk=call.pk).update(
        agent="agent", queue=MARK, external_id=MARK, last_error=MARK, caller=NUMBER,
        direction="inbound",
    )  # fmt: skip


def _leave_traces(call):
    owner = User.objects.create_user("ana")
    body = json.dumps({"type": "analysis_result", "data": {"call_id": call.call_id, "x": MARK}})
    WebhookDelivery.objects.create(
        endpoint=WebhookEndpoint.objects.first(), message_id="m", type="analysis_result", body=body
    )
    action = BulkAction.objects.create(
        kind="retry", by="ana", total=1, query="?q=0049-30-5550199&sort=-loss"
    )
    BulkItem.objects.create(action=action, call_id=call.call_id, reason=MARK)
    SavedView.objects.create(owner=owner, page="wallboard", name="them", query="q=%2B49305550199")
    LogEntry.objects.create(
        user=owner, content_type=ContentType.objects.get_for_model(Call), object_id=str(call.pk),
        object_repr=call.call_id, action_flag=CHANGE, change_message=MARK,
    )  # fmt: skip
    record_audit("playback", call_id=call.call_id)
    LegalHold.objects.create(number="49305550199", reason="over", released_at=timezone.now())
    set_hold(call_id=call.call_id, reason=MARK)
    release_hold(call_id=call.call_id)


def _everything():
    """Return every cell of every table as text, by table."""
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            name = connection.ops.quote_name(table)
            cursor.execute(f"SELECT * FROM {name}")
            found[table] = repr(cursor.fetchall())
    return found


def _tables_with(*texts):
    return {table for table, cells in _everything().items() if any(t in cells for t in texts)}


def test_nothing_of_an_erased_call_is_left_anywhere(settings):
    call = archived_call(f"call-{MARK}")
    _fill(call)
    _leave_traces(call)
    assert len(_tables_with(MARK, DIGITS)) > len(WITH_THE_CALL) // 2

    erasure = carry_on(start_erasure(numbers=[NUMBER], reason="They asked", by="ana").pk)

    assert erasure.finished_at is not None
    CallEvent.objects.filter(type="call_deleted", data__reason="erasure").delete()  # told readers
    assert _tables_with(MARK, DIGITS) == set()
    files = [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]
    assert files == []
    ledger = Path(settings.ERASURE_LEDGER).read_text()
    assert MARK not in ledger
    assert DIGITS not in ledger


def test_other_calls_keep_everything():
    other = archived_call("other")
    before = FullText.objects.count()
    gone = archived_call("gone")
    record_audit("playback", call_id="other")
    Call.objects.filter(pk=gone.pk).update(caller=NUMBER)

    carry_on(start_erasure(numbers=[NUMBER], reason="They asked").pk)

    assert Call.objects.get() == other
    assert FullText.objects.count() == before
    assert AuditEntry.objects.filter(action="playback").get().call_id == "other"
