"""The audit log records who did what and who saw what, in entries that nobody can change."""

from __future__ import annotations

import json
from datetime import timedelta
from importlib import import_module

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from calls import services
from calls.actions.bulk import start_bulk
from calls.annotations import add_note, add_tag
from calls.audit.chain import check, find_head, seal
from calls.audit.cutting import prune_audit
from calls.audit.record import record_audit
from calls.keys import create_key
from calls.listening import end_listening, start_listening
from calls.models import AlertRule, AppendOnly, AuditCut, AuditEntry, Call
from calls.tests.factories import archived_call, failed_call, live_call

pytestmark = pytest.mark.django_db


def entries(**wanted):
    return list(AuditEntry.objects.filter(**wanted).order_by("id"))


def told(**wanted):
    return [(entry.actor_kind, entry.actor, entry.action) for entry in entries(**wanted)]


@pytest.fixture
def guarded_log():
    """The triggers of the database, which the other tests do without."""
    audit = import_module("calls.migrations.0042_audit")
    statements = audit.POSTGRES if connection.vendor == "postgresql" else audit.SQLITE
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@pytest.fixture
def ana(client):
    user = User.objects.create_user("ana", password="x")
    user.user_permissions.set(
        Permission.objects.filter(
            codename__in=["view_call", "operate_call", "view_unredacted", "view_packet"]
        )
    )
    client.force_login(user)
    AuditEntry.objects.all()._raw_delete("default")
    return client


def test_an_action_on_a_page_is_recorded_with_user_and_address(ana):
    call = live_call("c-1")

    ana.post(reverse("supervisor:end", args=["c-1"]), REMOTE_ADDR="10.0.0.7")

    (entry,) = entries()
    assert (entry.actor_kind, entry.actor, entry.address) == ("person", "ana", "10.0.0.7")
    assert (entry.action, entry.call_id) == ("end", call.call_id)
    assert len(entry.call_digest) == 64


def test_an_action_by_a_key_names_the_key(client, settings):
    settings.API_AUTH = "key"
    _, plain = create_key(name="CRM", scopes=["supervise"])
    failed_call("c-1")

    client.post(reverse("retry", args=["c-1"]), headers={"Authorization": f"Bearer {plain}"})

    assert told(action="retry") == [("key", "CRM", "retry")]


def test_a_sender_that_ends_its_calls_writes_no_entries(client, settings):
    settings.API_AUTH = "key"
    _, plain = create_key(name="PBX", scopes=["ingest"])
    live_call("c-1")
    before = len(entries())

    client.post(reverse("end", args=["c-1"]), headers={"Authorization": f"Bearer {plain}"})

    assert Call.objects.get().state == "COMPLETED"
    assert len(entries()) == before


def test_automatic_changes_are_not_recorded_as_actions(settings):
    settings.AI_AUTO_RETRY_AFTER = 1
    call = failed_call()
    Call.objects.filter(pk=call.pk).update(state_changed_at=timezone.now() - timedelta(hours=1))

    assert services.retry_failed_calls() == 1

    assert entries() == []


def test_tags_and_notes_are_recorded_without_their_text():
    live_call("c-1")

    add_tag(call_id="c-1", name="marmalade", by="ana")
    note = add_note(call_id="c-1", text="marmalade", by="key CRM")

    assert told() == [("person", "ana", "tag"), ("key", "CRM", "note")]
    assert entries()[1].object_id == str(note.pk)
    assert not any("marmalade" in str(vars(entry)) for entry in entries())


def test_a_bulk_action_is_recorded_with_each_of_its_calls():
    failed_call("c-1"), failed_call("c-2")

    start_bulk(kind="retry", call_ids=["c-1", "c-2"], by="ana")

    assert told() == [("person", "ana", "bulk"), *[("person", "ana", "retry")] * 2]
    assert entries()[0].details == {"kind": "retry", "calls": 2}


def test_a_command_is_recorded_as_a_command():
    failed_call()

    call_command("retry_failed")

    (entry,) = entries(action="retry")
    assert entry.actor_kind == "command"
    assert entry.actor.startswith("manage.py")


def test_listening_to_a_live_call_is_recorded():
    session = start_listening(call=live_call("c-1"), by="ana", process="web-1")
    end_listening(session.pk)

    assert told() == [("person", "ana", "listening_started"), ("person", "ana", "listening_ended")]
    assert {entry.object_id for entry in entries()} == {str(session.pk)}


def test_reading_personal_data_is_recorded_once_an_hour(ana):
    archived_call("c-1")
    address = reverse("supervisor:call", args=["c-1"])

    for query in ("", "?unredacted=1", "?unredacted=1"):
        ana.get(address + query)

    assert told() == [("person", "ana", "unredacted")]


def test_reading_personal_data_after_an_hour_is_recorded_again(ana):
    archived_call("c-1")
    address = reverse("transcript", args=["c-1"]) + "?redacted=false"

    ana.get(address)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE calls_auditentry SET at = %s", [timezone.now() - timedelta(minutes=61)]
        )
    ana.get(address)

    assert told() == [("person", "ana", "unredacted")] * 2


def test_exports_are_recorded_with_the_names_of_their_filters_only(ana):
    archived_call("c-1")

    b"".join(ana.get(reverse("calls-csv") + "?caller=%2B4930123456&queue=").streaming_content)
    ana.get(reverse("transcript", args=["c-1"]) + "?as=vtt")

    table, transcript = entries()
    assert table.details == {"file": "calls.csv", "filters": ["caller"]}
    assert (transcript.action, transcript.call_id) == ("export", "c-1")


def test_a_filter_name_that_cannot_be_stored_does_not_prevent_an_export(ana):
    answer = ana.get("/v1/calls.csv?a%00b=1&queue=billing")

    assert answer.status_code == 200
    assert [entry.details["filters"] for entry in entries()] == [["queue"]]


def test_logins_logouts_and_failures_are_recorded(client):
    User.objects.create_user("ana", password="right")
    login = reverse("supervisor:login")

    client.post(login, {"username": "ana", "password": "wrong"})
    client.post(login, {"username": "ana", "password": "right"})
    client.post(reverse("supervisor:logout"))

    assert told() == [
        ("anyone", "ana", "sign_in_failed"),
        ("person", "ana", "sign_in"),
        ("person", "ana", "sign_out"),
    ]


def test_an_action_that_is_rolled_back_leaves_no_entry():
    call = live_call("c-1")

    with transaction.atomic():
        services.end_call(call_id=call.call_id, reason="operator", by="ana")
        transaction.set_rollback(True)

    assert entries() == []


def test_the_model_refuses_to_change_or_remove_entries():
    entry = record_audit("bulk")

    for change in (
        entry.save,
        entry.delete,
        lambda: AuditEntry.objects.all().delete(),
        lambda: AuditEntry.objects.update(actor="bob"),
    ):
        with pytest.raises(AppendOnly):
            change()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM calls_auditentry",
        "UPDATE calls_auditentry SET actor = 'bob'",
        "UPDATE calls_auditentry SET details = '{}'",
        "UPDATE calls_auditentry SET call_id = 'c-2'",
        "UPDATE calls_auditentry SET digest = 'x'",
        "UPDATE calls_auditentry SET sequence = 5",
    ],
)
@pytest.mark.usefixtures("guarded_log")
def test_the_database_refuses_to_change_or_remove_entries(statement):
    record_audit("bulk", call_id="c-1", details={"calls": 1})
    seal()

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        connection.cursor().execute(statement)


@pytest.mark.usefixtures("guarded_log")
def test_the_id_of_a_call_can_be_erased_without_breaking_the_chain():
    record_audit("bulk", call_id="c-1")
    seal()

    AuditEntry.objects.forget_calls(["c-1"])

    assert entries()[0].call_id == ""
    assert check().problems == []


def _sealed_log(count=4):
    for number in range(count):
        record_audit("bulk", call_id="c-1", object_id=number)
    while seal():
        pass
    return find_head()


def _by_sql(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def test_an_intact_log_passes_the_check(capsys):
    head = _sealed_log()

    call_command("check_audit", f"--head={head}")

    assert "4 entries are intact" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        ("UPDATE calls_auditentry SET actor = 'bob' WHERE sequence = 2", "Entry 2 was altered."),
        ("UPDATE calls_auditentry SET call_id = 'x' WHERE sequence = 2", "The call of entry 2"),
        ("DELETE FROM calls_auditentry WHERE sequence IN (2, 3)", "Entries 2 to 3 were removed."),
        ("DELETE FROM calls_auditentry WHERE sequence = 1", "Entry 1 was removed."),
        ("DELETE FROM calls_auditentry WHERE sequence = 4", "Entry 4 was removed from the end."),
    ],
)
def test_an_altered_or_removed_entry_is_found(damage, problem, capsys):
    head = _sealed_log()
    _by_sql(damage)

    with pytest.raises(CommandError):
        call_command("check_audit", f"--head={head}")

    assert problem in capsys.readouterr().err


def test_entries_are_sealed_in_one_chain_however_often_it_is_tried():
    _sealed_log(2)
    record_audit("bulk")

    assert (seal(), seal()) == (1, 0)

    assert [entry.sequence for entry in entries()] == [1, 2, 3]
    assert check().problems == []


@pytest.mark.usefixtures("guarded_log")
def test_retention_removes_the_oldest_entries_and_the_rest_still_passes(settings):
    settings.AUDIT_RETENTION = timedelta(days=30)
    for age in (90, 60, 10):
        entry = AuditEntry(
            at=timezone.now() - timedelta(days=age), actor_kind="system", action="bulk"
        )
        entry.save()
    seal()

    assert prune_audit() == 2
    assert prune_audit() == 0

    assert [entry.sequence for entry in entries()] == [3]
    assert AuditCut.objects.get().sequence == 2
    assert check().problems == []


def test_the_audit_log_is_kept_permanently_by_default():
    AuditEntry(at=timezone.now() - timedelta(days=9999), actor_kind="system", action="x").save()
    seal()

    assert prune_audit() == 0


def test_auditors_may_read_the_log_and_nobody_may_change_it(client, admin_user):
    record_audit("bulk", call_id="c-1")
    user = User.objects.create_user("eve", is_staff=True)
    user.groups.add(Group.objects.get(name="Auditor"))
    page = reverse("admin:calls_auditentry_changelist")

    client.force_login(user)
    assert client.get(page).status_code == 200

    client.force_login(admin_user)
    entry = AuditEntry.objects.get(action="bulk")
    for action in ("change", "delete"):
        address = reverse(f"admin:calls_auditentry_{action}", args=[entry.pk])
        assert client.post(address, {"post": "yes"}).status_code == 403


def test_the_log_is_filtered_searched_and_exported(admin_client):
    record_audit("bulk", call_id="c-1", details={"calls": 2})
    record_audit("playback", call_id="c-2")
    page = reverse("admin:calls_auditentry_changelist")

    looks = admin_client.get(page, {"action": "looks"}).context["cl"].result_list
    found = admin_client.get(page, {"q": "c-1"}).context["cl"].result_list
    exported = admin_client.get(reverse("admin:calls_auditentry_json"), {"q": "c-1"})

    assert [entry.call_id for entry in looks] == ["c-2"]
    assert [entry.call_id for entry in found] == ["c-1"]
    (row,) = json.loads(b"".join(exported.streaming_content))
    assert (row["action"], row["details"]) == ("bulk", {"calls": 2})
    table = admin_client.get(reverse("admin:calls_auditentry_csv"))
    assert b"playback" in b"".join(table.streaming_content)
    assert AuditEntry.objects.filter(action="export").count() == 2


def test_a_change_in_the_admin_names_the_fields_and_not_their_values(admin_client):
    rule = AlertRule.objects.filter(kind="silence").first()
    form = admin_client.get(reverse("admin:calls_alertrule_change", args=[rule.pk]))
    sent = {
        name: value
        for name, value in form.context["adminform"].form.initial.items()
        if value is not None and value is not False
    }

    admin_client.post(
        reverse("admin:calls_alertrule_change", args=[rule.pk]),
        {**sent, "name": "Hold on", "conditions": "[]"},
    )

    (entry,) = entries(action="change")
    assert (entry.object_kind, entry.object_id) == ("alert rule", str(rule.pk))
    assert entry.details["fields"] == ["Name"]
