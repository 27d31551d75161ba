"""The status of the analysis, in metrics, readiness and the API."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from calls import services
from calls.analysis.pausing import pause_analysis
from calls.analysis.status import read_load, read_status
from calls.models import Call, CallEvent, ProviderHealth, Stage, WorkerHeartbeat
from calls.tests import one_call
from calls.tests.factories import (
    TRANSCRIPT,
    archived_call,
    attempt,
    claim,
    claim_all,
    ended_call,
    outage,
    spoken_call,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def an_outage(settings):
    settings.AI_BREAKER_FAILURES = 1
    spoken_call("first")
    lease = claim()
    one_call.fail_attempt(lease, attempt(lease), outage())
    spoken_call("second")


def beat(seconds_ago):
    seen_at = timezone.now() - timedelta(seconds=seconds_ago)
    WorkerHeartbeat.objects.create(name=f"w-{seconds_ago}", started_at=seen_at, seen_at=seen_at)


def test_calls_are_counted_by_their_next_stage_and_what_they_do():
    ended_call("retrying")
    lease = claim()
    one_call.save_transcript(lease, attempt(lease), **TRANSCRIPT)
    one_call.fail_attempt(lease, attempt(lease, Stage.UNDERSTAND), outage())
    ended_call("running")
    claim()
    ended_call("ready")

    hear, understand = read_load()

    assert (hear.stage, hear.ready, hear.retrying, hear.running) == ("transcribe", 1, 0, 1)
    assert (understand.ready, understand.retrying, understand.running) == (0, 1, 0)


def test_the_oldest_wait_of_a_later_round_starts_with_that_round():
    call = archived_call()
    Call.objects.update(ended_at=timezone.now() - timedelta(days=300))
    services.reanalyse_call(call_id=call.call_id)

    assert read_load()[0].oldest_s < 60


def test_an_outage_is_described_with_what_waits_for_it(an_outage):
    (found,) = read_status().outages

    assert (found.provider, found.stage, found.waiting) == ("fake", "transcribe", 2)
    assert found.error == "503 Service Unavailable"
    assert found.probe_at is not None
    assert found.probe_at > found.since


def test_the_start_and_the_end_of_an_outage_are_in_the_log(an_outage):
    ProviderHealth.objects.update(probe_at=timezone.now() - timedelta(seconds=1))
    Call.objects.update(next_attempt_at=None)

    lease = ledger_claim()
    one_call.save_transcript(lease, attempt(lease), **TRANSCRIPT)

    down, back = CallEvent.objects.filter(type__startswith="provider_").order_by("id")
    assert (down.type, down.call, down.data["failures"]) == ("provider_down", None, 1)
    assert (down.data["provider"], down.data["stage"]) == ("fake", "transcribe")
    assert back.type == "provider_back"
    assert back.data["seconds"] > 0


def ledger_claim():

    (lease,) = claim_all(limit=1)
    return lease


def test_a_lasting_outage_is_one_entry_in_the_log(an_outage):
    ProviderHealth.objects.update(probe_at=timezone.now() - timedelta(seconds=1))
    Call.objects.update(next_attempt_at=None)

    lease = ledger_claim()
    one_call.fail_attempt(lease, attempt(lease), outage())

    assert CallEvent.objects.filter(type__startswith="provider_").count() == 1


def test_the_mark_changes_with_the_status_and_not_with_every_call(an_outage):
    before = read_status()
    spoken_call("third")

    assert (read_status().mark, read_status().held) == (before.mark, before.held + 1)
    pause_analysis()
    assert read_status().mark != before.mark


def test_the_last_heartbeat_shows_whether_a_worker_is_alive():
    assert (read_status().workers, read_status().silent_s) == (0, None)
    beat(100)
    assert read_status().workers == 0
    beat(5)

    standing = read_status()

    assert standing.workers == 1
    assert standing.silent_s == pytest.approx(5, abs=2)


def test_readiness_says_how_long_the_workers_have_been_silent(client):
    beat(95)

    problem = client.get("/readyz").json()["problems"][0]

    assert problem.startswith("No worker has sent a heartbeat for 9")


def test_the_api_describes_all_of_it(api, an_outage):
    beat(1)
    pause_analysis(by="ann", reason="Maintenance.")

    document = api.get("/v1/analysis").json()

    assert document["paused"]["by"] == "ann"
    assert document["outages"][0]["waiting"] == 2
    assert document["workers"] == 1
    assert [each["stage"] for each in document["stages"]] == ["transcribe", "understand"]


def test_the_status_needs_a_key(api_with_key, client):
    reader, sender = api_with_key("read"), api_with_key("ingest")

    assert reader.get("/v1/analysis").status_code == 200
    assert sender.get("/v1/analysis").status_code == 403
    assert client.get("/v1/analysis").status_code == 401


def test_metrics_have_depth_and_age_of_each_stage(client, an_outage):
    beat(3)

    metrics = client.get("/metrics").content.decode()

    assert 'callcenter_analysis_calls{stage="transcribe",standing="retrying"} 1.0' in metrics
    assert 'callcenter_analysis_calls{stage="transcribe",standing="ready"} 1.0' in metrics
    assert 'callcenter_analysis_stage_oldest_seconds{stage="understand"} 0.0' in metrics
    assert "callcenter_worker_silent_seconds 3" in metrics


def test_figures_for_monitoring_take_few_queries(client, django_assert_max_num_queries, an_outage):
    for _ in range(5):
        ended_call()

    # Two of PostgreSQL's queries ask the time.
    with django_assert_max_num_queries(29 if connection.vendor == "postgresql" else 27):
        client.get("/metrics")
