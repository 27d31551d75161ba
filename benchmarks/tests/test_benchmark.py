"""The benchmarks on a small scale: every path is measured, and no acknowledged packet is lost."""

import json

import pytest

from benchmarks.rig.services import Service

pytestmark = pytest.mark.processes
PATHS = {"bare", "drf-daphne", "drf-uvicorn", "single", "batch", "websocket", "carriers", "copy"}


def measure(service, folder, *options):
    report = folder / "report.json"
    service.run(
        "bench_ingest", "--seconds", "0.3", "--carrier-seconds", "1.5", "--warm-up", "0.1",
        "--json", str(report), *options,
    )  # fmt: skip
    return json.loads(report.read_text())


@pytest.fixture
def service(tmp_path):
    with Service(tmp_path) as running:
        yield running


@pytest.mark.slow
def test_every_path_is_measured_and_loses_nothing(service, tmp_path):
    report = measure(service, tmp_path)

    assert report["ok"] is True
    assert set(report["paths"]) == PATHS
    for path in report["paths"].values():
        assert path["packets_per_s"] > 0
        assert path["errors"] == 0
        if path["rows"] is not None:
            assert path["rows"] == path["acknowledged"]


@pytest.mark.slow
def test_carriers_frames_are_timed_until_they_are_in_the_database(service, tmp_path):
    report = measure(service, tmp_path, "--only", "carriers")

    carriers = report["paths"]["carriers"]
    assert carriers["rows"] == carriers["acknowledged"] == 2 * 100 * 75
    assert carriers["errors"] == 0
    assert 0 < carriers["p50_ms"] < carriers["p99_ms"]
    assert carriers["memory_mib"] > 0


@pytest.mark.slow
def test_one_path_can_be_measured_alone(service, tmp_path):
    report = measure(service, tmp_path, "--only", "single")

    assert set(report["paths"]) == {"single"}


@pytest.mark.slow
def test_a_server_that_is_killed_loses_no_acknowledged_packet(service, tmp_path):
    report = measure(service, tmp_path, "--only", "single", "--kill", "--kills", "2")

    killed = report["paths"]["single-killed"]
    assert report["ok"] is True
    assert killed["reconnections"] > 0
    assert killed["rows"] == killed["acknowledged"] > 0


@pytest.mark.slow
def test_calls_that_end_at_once_are_all_archived_although_their_worker_is_killed(service, tmp_path):
    report = tmp_path / "analysis.json"

    service.run("bench_analysis", "--calls", "20", "--kill", "1", "--json", str(report))

    outcome = json.loads(report.read_text())
    assert outcome["problems"] == []
    assert sum(outcome["states"].values()) == 20
    assert set(outcome["states"]) <= {"ARCHIVED", "FAILED"}


@pytest.mark.speech
@pytest.mark.slow
def test_recorded_calls_are_transcribed_while_packets_arrive(service):
    result = service.run("bench_transcription", "--times", "1", "--per-second", "50")

    assert "6 recorded calls" in result.stdout
    assert "times real time" in result.stdout
    assert "{'ARCHIVED': 6}" in result.stdout
