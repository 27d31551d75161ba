"""Nothing deletes a call on legal hold until somebody releases it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from calls.deletion import delete_call
from calls.holds.customers import normal_number
from calls.holds.selection import on_hold
from calls.holds.services import (
    HoldRefused,
    NotHeld,
    OnHold,
    check_deletable,
    find_hold,
    find_holds,
    hold_customer,
    release,
    release_hold,
    set_hold,
)
from calls.keys import create_key
from calls.models import AuditEntry, Call, CallEvent, LegalHold, Packet
from calls.retention.old_calls import _delete_call, _empty_batch, prune
from calls.tests.factories import archived_call, live_call

pytestmark = pytest.mark.django_db
NEVER = timedelta(0)


def old_call(call_id="c-1", **fields):
    call = archived_call(call_id)
    Call.objects.filter(pk=call.pk).update(ended_at=timezone.now() - timedelta(days=9), **fields)
    return call


@pytest.mark.parametrize(
    ("spelling", "normal"),
    [
        ("+49 30 1234-5", "4930" + "12345"),
        ("0049 (30) 12345", "493012345"),
        ("tel:+49-30-12345", "493012345"),
        ("sip:+493012345@pbx.example.com;user=phone", "493012345"),
        ("030 12345", "03012345"),
        ("SIP:Alice@Example.com", "alice@example.com"),
        ("", ""),
    ],
)
def test_spellings_of_a_number_are_equal(spelling, normal):
    assert normal_number(spelling) == normal


NUMBERS = [
    "+49 30 1234",
    "0049301234",
    "sip:+49301234@example.com",
    "030 1234",
    "Alice@Example.com",
]
SPELLINGS = st.sampled_from(
    [
        *NUMBERS, "tel:+49-30-1234", "sips:0049301234@pbx;user=phone", "(+49) 30/1234",
        "+49 30 12345", "sip:Alice@Example.com", "alice", "", "anonymous", "49301234", "1234",
    ]
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    numbers=st.sets(st.sampled_from(NUMBERS), max_size=3),
    parties=st.lists(st.tuples(SPELLINGS, SPELLINGS, st.sampled_from(["", "inbound", "outbound"]))),
    held=st.sets(st.integers(0, 5)),
)
def test_the_database_finds_the_calls_that_holds_keep(numbers, parties, held):
    with transaction.atomic():
        calls = [
            Call.objects.create(call_id=f"c-{at}", caller=caller, callee=callee, direction=way)
            for at, (caller, callee, way) in enumerate(parties)
        ]
        for number in numbers:
            hold_customer(number=number, reason="Case 1")
        for at in held & set(range(len(calls))):
            set_hold(call_id=f"c-{at}", reason="Case 2")

        found = set(Call.objects.filter(on_hold()).values_list("pk", flat=True))

        assert found == set(find_holds(calls))
        transaction.set_rollback(True)


def test_retention_leaves_a_held_call_alone_and_removes_it_once_released():
    old_call("c-1"), old_call("c-2")
    set_hold(call_id="c-1", reason="Case 4711", by="ana")

    assert prune(calls_older_than=NEVER, packets_older_than=NEVER).calls == 1
    assert Call.objects.get().call_id == "c-1"
    assert Packet.objects.filter(stream__call__call_id="c-1").exists()

    release_hold(call_id="c-1", by="ana")
    assert prune(calls_older_than=NEVER).calls == 1


def test_a_hold_on_a_customer_keeps_every_call_of_the_number():
    old_call("c-1", caller="+49 30 1234", direction="inbound")
    old_call("c-2", callee="004930-1234", direction="outbound")
    old_call("c-3", caller="+49 40 1234", direction="inbound")
    # The agent called from here: a number of an agent is not a customer's.
    old_call("c-4", caller="+49 30 1234", callee="+1 5550100", direction="outbound")

    hold_customer(number="+49301234", reason="Case 4711", by="ana")
    prune(calls_older_than=NEVER)

    assert set(Call.objects.values_list("call_id", flat=True)) == {"c-1", "c-2"}


def test_a_hold_set_before_the_deletion_prevents_it():
    call = old_call()
    before = timezone.now()
    set_hold(call_id=call.call_id, reason="Case 4711")

    assert _empty_batch(call, before) == (0, True)
    assert not _delete_call(call, before)
    with pytest.raises(OnHold, match="Case 4711"):
        check_deletable(call)


def test_a_hold_set_after_the_deletion_has_begun_is_refused():
    call = old_call()
    _empty_batch(call, timezone.now())

    with pytest.raises(HoldRefused, match="in deletion"):
        set_hold(call_id=call.call_id, reason="Case 4711")
    hold_customer(number="4711", reason="Case 4711")
    assert _delete_call(call, timezone.now())


def test_the_same_hold_twice_is_one_and_another_reason_replaces_it():
    live_call("c-1")

    first = set_hold(call_id="c-1", reason="Case 1", by="ana")
    again = set_hold(call_id="c-1", reason=" Case  1 ", by="bob")
    other = set_hold(call_id="c-1", reason="Case 2", by="bob")

    assert first == again != other
    assert LegalHold.objects.active().get() == other
    assert LegalHold.objects.get(pk=first.pk).released_by == "bob"


def test_a_hold_is_in_the_log_of_the_call_without_its_reason():
    live_call("c-1")
    set_hold(call_id="c-1", reason="Ms Miller", by="ana")
    set_hold(call_id="c-1", reason="Mr Miller", by="ana")
    release_hold(call_id="c-1", by="bob")

    events = CallEvent.objects.filter(type__startswith="hold_").order_by("id")
    assert [(event.type, event.data) for event in events] == [
        ("hold_set", {"by": "ana"}), ("hold_set", {"by": "ana"}), ("hold_released", {"by": "bob"}),
    ]  # fmt: skip


def test_holds_are_recorded_without_the_number():
    live_call("c-1")
    set_hold(call_id="c-1", reason="Case 1", by="ana")
    release(hold_customer(number="+49 30 1234", reason="Case 1", by="ana"), by="bob")

    entries = list(AuditEntry.objects.order_by("id"))
    assert [entry.action for entry in entries] == ["hold", "hold", "release"]
    assert [entry.actor for entry in entries] == ["ana", "ana", "bob"]
    assert not any("4930" in str(vars(entry)) for entry in entries)


@pytest.mark.parametrize("number", ["", "12", "anonymous", "sip:anonymous@anonymous.invalid"])
def test_a_customer_who_cannot_be_told_apart_cannot_be_held(number):
    with pytest.raises(HoldRefused):
        hold_customer(number=number, reason="Case 1")


@pytest.mark.parametrize("reason", ["", "  ", "x" * 301])
def test_a_hold_needs_a_reason(reason):
    live_call("c-1")

    with pytest.raises(HoldRefused):
        set_hold(call_id="c-1", reason=reason)


def test_a_call_without_a_hold_cannot_be_released():
    call = live_call("c-1")

    with pytest.raises(NotHeld):
        release_hold(call_id="c-1")
    assert find_hold(call) is None


@pytest.fixture
def ana(client):
    user = User.objects.create_user("ana", password="x", is_staff=True)
    wanted = ["view_call", "hold_call", "view_legalhold"]
    user.user_permissions.set(Permission.objects.filter(codename__in=wanted))
    client.force_login(user)
    return client


def test_the_page_of_a_call_sets_shows_and_releases_a_hold(ana):
    archived_call("c-1")
    page = reverse("supervisor:call", args=["c-1"])
    assert "Legal hold" in ana.get(page).content.decode()

    ana.post(reverse("supervisor:hold", args=["c-1"]), {"reason": "Case <4711>"})
    shown = ana.get(page).content.decode()
    assert "On legal hold" in shown
    assert "Case &lt;4711&gt;" in shown

    ana.post(reverse("supervisor:release", args=["c-1"]))
    assert "On legal hold" not in ana.get(page).content.decode()


def test_a_hold_without_a_reason_is_refused_on_the_page(ana):
    archived_call("c-1")

    answer = ana.post(reverse("supervisor:hold", args=["c-1"]), {"reason": ""}, follow=True)

    assert "A reason has 1 to 300 characters." in answer.content.decode()


def test_setting_a_hold_needs_its_own_permission(client, settings):
    settings.API_AUTH = "key"
    archived_call("c-1")
    user = User.objects.create_user("bob")
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_call", "operate_call"]))
    client.force_login(user)

    assert client.post(reverse("supervisor:hold", args=["c-1"])).status_code == 403
    assert client.put(reverse("hold", args=["c-1"])).status_code == 403


def test_the_api_sets_reads_and_releases_a_hold(client, settings):
    settings.API_AUTH = "key"
    _, plain = create_key(name="CRM", scopes=["supervise", "read"])
    sent = {"headers": {"Authorization": f"Bearer {plain}"}, "content_type": "application/json"}
    archived_call("c-1")
    address = reverse("hold", args=["c-1"])

    assert client.get(address, **sent).status_code == 404
    held = client.put(address, {"reason": "Case 1"}, **sent)
    assert (held.status_code, held.json()["set_by"]) == (200, "key CRM")
    assert client.get(address, **sent).json()["of"] == "call"
    assert client.put(address, {"reason": ""}, **sent).json().keys() == {"reason"}
    assert client.delete(address, **sent).status_code == 204
    assert client.delete(address, **sent).status_code == 404


def test_the_admin_holds_a_customer_and_releases(ana):
    add, rows = reverse("admin:calls_legalhold_add"), reverse("admin:calls_legalhold_changelist")
    both = {"held_call": "", "held_number": "", "reason": "Case 1"}
    assert "either a call or a customer" in ana.post(add, both).content.decode()

    ana.post(add, {**both, "held_number": "+49 30 1234"})
    hold = LegalHold.objects.get()
    assert (hold.number, hold.set_by) == ("49301234", "ana")

    ana.post(rows, {"action": "release", "_selected_action": [hold.pk]})
    assert LegalHold.objects.active().count() == 0


def test_a_held_call_is_not_deleted_on_request(ana, settings):
    archived_call("c-1")
    set_hold(call_id="c-1", reason="Case 4711", by="ana")

    with pytest.raises(OnHold, match=r"is on legal hold since .* by ana: Case 4711"):
        delete_call(call_id="c-1", by="ana")
    answer = ana.delete(reverse("call", args=["c-1"]))

    assert answer.status_code == 409
    assert "Case 4711" in answer.json()["detail"]
    assert Call.objects.exists()
