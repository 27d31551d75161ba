"""``/metrics``: its figures, its format, and what a scrape costs."""

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from calls.ingest.record import record_packets
from calls.models import Call
from calls.services import end_call
from calls.telemetry import catalogue
from calls.tests.factories import failed_call, live_call, packet

pytestmark = pytest.mark.django_db


@pytest.fixture
def scrape(client):
    """Return the value of each series of ``/metrics``."""

    def read():
        text = client.get("/metrics").content.decode()
        families = text_string_to_metric_families(text)
        return {
            (sample.name, *sorted(sample.labels.values())): sample.value
            for family in families
            for sample in family.samples
        }

    return read


def families(client):
    text = client.get("/metrics").content.decode()
    return list(text_string_to_metric_families(text))


def test_names_follow_the_conventions_and_have_help_texts(client):
    found = families(client)

    assert all(re.fullmatch(r"callcenter_[a-z_]+", family.name) for family in found)
    assert [family.name for family in found if len(family.documentation) < 8] == []
    assert len({family.name for family in found}) == len(found)
    for family in found:
        if family.type == "counter":
            assert all(sample.name.endswith(("_total", "_created")) for sample in family.samples)


def test_packets_are_counted_by_interface(api, scrape):
    body = {"sequence": 1, "data": "Hello.", "timestamp": 1.0}
    api.post("/v1/call/stream/c", body)
    api.post("/v1/call/stream/c/batch", [{**body, "sequence": n} for n in range(2, 5)])

    found = scrape()

    assert found["callcenter_ingest_packets_total", "single"] == 1
    assert found["callcenter_ingest_packets_total", "batch"] == 3
    assert found["callcenter_ingest_packets_total", "carrier"] == 0
    assert found["callcenter_ingest_seconds_count", "batch"] == 1


def test_loss_counts_gaps_duplicates_and_late_packets(scrape, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        record_packets([packet("c", 1), packet("c", 5)])
        record_packets([packet("c", 5)])
        end_call(call_id="c")
        record_packets([packet("c", 6)])

    found = scrape()

    assert found["callcenter_ingest_gaps_total",] == 1
    assert found["callcenter_ingest_gap_packets_total",] == 3
    assert found["callcenter_ingest_duplicate_packets_total",] == 1
    assert found["callcenter_ingest_late_packets_total",] == 1
    assert found["callcenter_call_changes_total", "COMPLETED"] == 1


def test_attempts_count_by_stage_and_outcome(scrape, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        failed_call()

    found = scrape()

    assert found["callcenter_analysis_attempts_total", "failed", "transcribe"] == 1
    assert found["callcenter_analysis_attempts_total", "succeeded", "understand"] == 0
    assert found["callcenter_analysis_attempt_seconds_count", "transcribe"] == 1


def test_changes_that_are_rolled_back_do_not_count(scrape, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks():  # never committed
        live_call()

    assert scrape()["callcenter_call_changes_total", "IN_PROGRESS"] == 0


def test_the_state_of_this_process_is_shown(scrape):
    catalogue.SOCKETS.add(2, "carrier")

    assert scrape()["callcenter_sockets", "carrier"] == 2
    assert scrape()["callcenter_sockets", "wall"] == 0


def test_a_scrape_takes_a_constant_number_of_queries(client, django_assert_max_num_queries):
    Call.objects.bulk_create(Call(call_id=f"c-{number}") for number in range(300))
    client.get("/metrics")  # the first one looks up what is kept in memory

    with django_assert_max_num_queries(30):
        client.get("/metrics")
