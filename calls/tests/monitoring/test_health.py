"""Health checks and metrics."""

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from calls.ingest.carriers.opening import open_stream
from calls.ingest.carriers.presence import end_connection
from calls.models import MediaConnection, WorkerHeartbeat
from calls.tests.factories import ended_call, live_call

pytestmark = pytest.mark.django_db


def beat(seconds_ago=0):
    seen_at = timezone.now() - timedelta(seconds=seconds_ago)
    WorkerHeartbeat.objects.create(name="w", started_at=seen_at, seen_at=seen_at)


def test_a_process_that_responds_is_alive(client):
    assert client.get("/healthz").json() == {"status": "alive"}


def test_a_service_with_database_and_worker_is_ready(client):
    beat()

    response = client.get("/readyz")

    assert (response.status_code, response.json()) == (200, {"status": "ready"})


def test_an_unusable_recordings_folder_is_noted(client, settings, tmp_path):
    beat()
    file = tmp_path / "file"
    file.touch()
    settings.MEDIA_ROOT = file / "media"

    response = client.get("/readyz")

    (note,) = response.json()["notes"]
    assert response.status_code == 200
    assert note.startswith(f"Recordings cannot be stored: {file}")


def test_a_read_only_folder_is_noted(client, monkeypatch):
    beat()
    monkeypatch.setattr("os.access", lambda *_: False)  # root may write anywhere

    assert "cannot be stored" in client.get("/readyz").json()["notes"][0]


def test_a_missing_recordings_folder_is_not_a_problem(client, settings, tmp_path):
    beat()
    settings.MEDIA_ROOT = tmp_path / "not" / "yet"

    assert client.get("/readyz").json() == {"status": "ready"}


@pytest.mark.parametrize("seconds_ago", [None, 31])
def test_a_service_without_a_living_worker_is_not_ready(client, seconds_ago):
    if seconds_ago:
        beat(seconds_ago)

    response = client.get("/readyz")

    assert response.status_code == 503
    assert "No worker has" in response.json()["problems"][0]


def test_a_service_without_its_database_says_so(client, monkeypatch):
    def gone():
        raise OperationalError("gone")

    monkeypatch.setattr("calls.monitoring.health.pending_migrations", gone)

    response = client.get("/readyz")

    assert response.status_code == 503
    assert "The database does not respond" in response.json()["problems"][0]


def test_the_sockets_of_carriers_are_counted_over_all_processes(client):
    media = "audio/x-mulaw;rate=8000"
    opened = [open_stream(call_id="c", name=n, media=media, description={}) for n in "abcd"]
    end_connection(opened[0].connection, call_id="c", stopped=True)
    end_connection(opened[1].connection, call_id="c", stopped=False)
    MediaConnection.objects.filter(name="c").update(alive_until=timezone.now())

    text = client.get("/metrics").content.decode()

    assert 'callcenter_media_connections{state="open"} 1.0' in text
    assert 'callcenter_media_connections{state="broken"} 2.0' in text
    assert 'callcenter_media_connections{state="stopped"} 1.0' in text


def test_figures_are_those_of_the_database(client):
    live_call()
    ended_call()
    beat()

    text = client.get("/metrics").content.decode()

    assert 'callcenter_calls{state="IN_PROGRESS"} 1.0' in text
    assert 'callcenter_calls{state="COMPLETED"} 1.0' in text
    assert 'callcenter_calls{state="FAILED"} 0.0' in text
    assert "callcenter_workers 1.0" in text
    assert "callcenter_analysis_oldest_seconds" in text
