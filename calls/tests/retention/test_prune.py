"""Expired calls, ``manage.py prune``, and the sweep."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command

from calls import events, tasks
from calls.ingest.record import record_packets
from calls.lifecycle import CallState
from calls.models import Attempt, Call, CallEvent, Packet, PrunedRange, Recording, Transcript
from calls.retention import old_calls
from calls.retention.old_calls import Pruned, prune
from calls.tests.audio import archived_audio, archived_text, make_older, packets_of
from calls.tests.factories import ended_call, failed_call, fetch, live_call, packet

pytestmark = pytest.mark.django_db
NOW = timedelta(0)
WEEK = timedelta(days=7)


def test_calls_are_kept_permanently_by_default():
    make_older(archived_text(), days=9999)

    prune()

    assert Call.objects.count() == 1


def test_an_old_call_is_deleted_with_all_its_data(settings, django_capture_on_commit_callbacks):
    settings.CALL_RETENTION = WEEK
    call = archived_audio()
    make_older(call, days=8)

    pruned = prune(packets_older_than=timedelta(days=100))

    assert pruned.calls == 1
    left = [Call, Packet, PrunedRange, Attempt, Transcript, Recording]
    assert [model.objects.count() for model in left] == [0] * len(left)
    assert not list(Path(default_storage.location).rglob("*.wav"))


def test_the_log_records_a_deletion_and_its_head_does_not_go_back(settings):
    settings.CALL_RETENTION = WEEK
    make_older(archived_text(), days=8)
    head = events.head()

    prune()

    (entry,) = events.as_messages(CallEvent.objects.all())
    assert (entry["type"], entry["call_id"]) == ("call_deleted", None)
    assert entry["data"] == {"deleted": "written", "reason": "retention", "by": ""}
    assert events.head() > head


def test_calls_that_have_not_ended_are_never_deleted(settings):
    settings.CALL_RETENTION = NOW
    live_call("live")
    make_older(ended_call("ended"), days=9)

    prune()

    assert set(Call.objects.values_list("call_id", flat=True)) == {"live", "ended"}


def test_an_old_failed_call_is_deleted_with_the_other_calls(settings):
    settings.CALL_RETENTION = WEEK
    make_older(failed_call(), days=8)

    assert prune().calls == 1


def test_a_deleted_call_is_opened_again_by_its_next_packet(settings):
    settings.CALL_RETENTION = WEEK
    make_older(archived_text(), days=8)
    prune()

    record_packets([packet("written", 1)])

    assert Call.objects.get(call_id="written").state == CallState.IN_PROGRESS


def test_a_large_call_is_deleted_in_batches(monkeypatch, settings):
    settings.CALL_RETENTION = WEEK
    monkeypatch.setattr(old_calls, "BATCH", 3)
    make_older(archived_audio(), days=8)

    pruned = prune()

    assert (pruned.calls, pruned.packets) == (1, 10)
    assert CallEvent.objects.count() == 1


# --- The command and the sweep ---
def told(*arguments):
    out = StringIO()
    call_command("prune", *arguments, stdout=out)
    return out.getvalue().strip()


def test_the_command_counts_in_a_dry_run_and_then_removes():
    call = archived_audio("audio")
    make_older(call, days=8)
    make_older(archived_text(), days=30)
    options = ["--calls-older-than", "20"]

    assert told("--dry-run", *options) == (
        "Would remove 14 packets (1 calls pruned), 1 calls and 0 files that belonged to no call."
    )
    assert packets_of(call).count() == 10
    assert told(*options) == (
        "Removed 14 packets (1 calls pruned), 1 calls and 0 files that belonged to no call."
    )


def test_an_age_of_zero_days_is_not_the_same_as_none():
    archived_audio()

    assert "10 packets" in told("--packets-older-than", "0")


@pytest.mark.parametrize("days", ["soon", "-1", "nan", "inf"])
def test_the_command_refuses_an_age_that_is_not_a_number_of_days(days):
    with pytest.raises(CommandError, match="number of days"):
        told(f"--packets-older-than={days}")


def test_the_sweep_prunes_for_a_few_seconds():
    call = archived_audio()
    make_older(call, days=8)

    tasks.sweep()

    assert fetch(call).packets_pruned_at


def test_a_sweep_without_time_leaves_the_rest_to_the_next_one():
    call = archived_audio()

    assert prune(packets_older_than=NOW, seconds=0) == Pruned()
    assert packets_of(call).count() == 10


def test_a_sweep_with_nothing_to_do_runs_few_queries(django_assert_max_num_queries):
    with django_assert_max_num_queries(3):
        prune(seconds=5)
