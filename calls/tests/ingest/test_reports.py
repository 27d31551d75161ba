"""An overloaded process reports it to the others: in metrics, on the board and in /readyz."""

from datetime import timedelta

import pytest
from django.utils import timezone

from calls.analysis.status import read_status
from calls.ingest import reports
from calls.ingest.buffer import Buffer
from calls.ingest.reports import EVERY_S, Pressure
from calls.ingest.requests import Unavailable, Way
from calls.models import IngestReport
from calls.process import this_process
from calls.tests.factories import packet
from calls.tests.ingest.test_buffer import Clock, Recorder


def test_a_buffer_reports_while_it_refuses_and_once_more_when_it_no_longer_does():
    recorder, clock, told = Recorder(), Clock(), []
    buffer = Buffer(record=recorder, clock=clock, report=told.append)
    first = buffer.submit([packet("c", 0)])
    assert recorder.entered.wait(10)
    clock.now += 2.0
    with pytest.raises(Unavailable):
        buffer.submit([packet("c", 1)], Way.BATCH)
    recorder.go_on.set()
    first.result(timeout=10)
    while not told:
        pass
    clock.now += EVERY_S
    buffer.submit([packet("c", 1)]).result(timeout=10)
    while len(told) < 2:
        pass
    clock.now += EVERY_S
    buffer.submit([packet("c", 2)]).result(timeout=10)
    buffer.close()

    assert told[0].refused == {Way.BATCH: 1}
    assert told[-1].shedding_s is None
    assert len(told) <= 3


def test_a_buffer_that_refuses_nothing_reports_nothing():
    told, recorder = [], Recorder()
    recorder.go_on.set()
    buffer = Buffer(record=recorder, report=told.append)

    buffer.submit([packet("c", 1)]).result(timeout=10)
    buffer.close()

    assert told == []


@pytest.mark.django_db
def test_every_process_reports_since_when_packets_are_refused(client, boss, heartbeat):
    reports.report(Pressure(1.5, 90.0, {"batch": 7, "carrier": 2}))

    since = read_status().shedding_since
    assert abs(timezone.now() - timedelta(seconds=90) - since) < timedelta(seconds=20)
    assert not read_status().is_calm
    assert "Overloaded: packets have been refused since" in str(client.get("/readyz").json())
    assert "Overloaded since" in boss.get("/supervisor/").content.decode()
    assert reports.read()[this_process()].refused == {"batch": 7, "carrier": 2}
    figures = client.get("/metrics").content.decode()
    for name in ("oldest_age_seconds", "shedding_since_seconds"):
        assert f"callcenter_ingest_{name}{{process=" in figures


@pytest.mark.django_db
def test_the_report_of_a_process_that_is_gone_does_not_count(heartbeat):
    reports.report(Pressure(1.5, 90.0, {}))

    IngestReport.objects.update(seen_at=timezone.now() - timedelta(seconds=30))

    assert read_status().shedding_since is None
    assert read_status().is_calm


@pytest.mark.django_db
def test_the_end_of_overload_is_also_reported(heartbeat):
    reports.report(Pressure(1.5, 90.0, {}))
    reports.report(Pressure(0.0, None, {}))

    assert read_status().shedding_since is None
