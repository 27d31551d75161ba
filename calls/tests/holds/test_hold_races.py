"""A hold and a deletion at the same time, on real connections: one of them comes first."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import close_old_connections, connection, transaction
from django.utils import timezone

from calls.holds.services import HoldRefused, hold_customer, set_hold
from calls.models import Call, LegalHold, Packet
from calls.retention.old_calls import prune
from calls.services import CallNotFound, lock_call
from calls.tests.factories import archived_call
from calls.tests.threads import start_thread

pytestmark = pytest.mark.django_db(transaction=True)


def _old_call():
    call = archived_call("c-1")
    ended_at = timezone.now() - timedelta(days=9)
    Call.objects.filter(pk=call.pk).update(ended_at=ended_at, caller="+49301234")
    return call


@pytest.mark.parametrize("target", ["call", "customer"])
def test_a_call_is_either_complete_and_held_or_deleted(target):
    """Run both at once, several times: there is never a held call without its packets."""
    close_old_connections()
    for _ in range(5):
        call = _old_call()
        refused = []

        def hold(refused=refused):
            try:
                if target == "call":
                    set_hold(call_id="c-1", reason="Case 1")
                else:
                    hold_customer(number="+49301234", reason="Case 1")
            except (CallNotFound, HoldRefused) as error:
                refused.append(error)

        threads = [start_thread(hold), start_thread(lambda: prune(calls_older_than=timedelta(0)))]
        for thread in threads:
            thread.join(20)

        if Call.objects.filter(pk=call.pk).exists():
            assert not refused
            assert Packet.objects.filter(stream__call=call).count() == call.packet_count
        LegalHold.objects.all().delete()
        Call.objects.all().delete()


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer")
def test_a_hold_waits_for_a_deletion_that_has_begun():
    call = _old_call()
    held = threading.Event()

    with transaction.atomic():
        lock_call("c-1")
        thread = start_thread(lambda: (set_hold(call_id="c-1", reason="Case 1"), held.set()))
        assert not held.wait(0.3)
        assert not LegalHold.objects.filter(call=call).exists()
    thread.join(20)

    assert held.is_set()
