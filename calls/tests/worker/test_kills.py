"""SIGKILL during long work other than analysis: the rest is done, and nothing twice."""

from __future__ import annotations

import psutil
import pytest

from benchmarks.rig.databases import Database
from benchmarks.rig.services import Service, descendants
from benchmarks.rig.waiting import wait_until

pytestmark = [pytest.mark.processes, pytest.mark.slow]
CALLS = 400
MAKE_CALLS = f"""
from calls.models import Call
from django.utils import timezone
now = timezone.now()
fields = dict(state="ARCHIVED", last_packet_at=now, ended_at=now, state_changed_at=now)
Call.objects.bulk_create(Call(call_id=f"c-{{n}}", **fields) for n in range({CALLS}))
"""
TAG_ALL = """
from calls.actions.bulk import start_bulk
from calls.models import Call
ids = list(Call.objects.values_list("call_id", flat=True))
start_bulk(kind="tag", call_ids=ids, tag="vip", by="ann")
"""
A_MINUTE_LATER = """
from datetime import timedelta
from django.utils import timezone
from calls.models import BulkAction
from calls.tasks import sweep
BulkAction.objects.update(seen_at=timezone.now() - timedelta(minutes=1))
sweep()
"""
MAKE_ANALYSES = """
from calls.models import Analysis, Call, Transcript
from django.utils import timezone
same = dict(version=1, turns=[], provenance={}, created_at=timezone.now())
heard = Transcript.objects.bulk_create(
    Transcript(call=call, duration_ms=1000, speech={}, **same) for call in Call.objects.all()
)
Analysis.objects.bulk_create(
    Analysis(call=each.call, transcript=each, summary="About a refund.", metrics={}, **same)
    for each in heard
)
"""


def is_alive(process):
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


@pytest.fixture
def service(tmp_path):
    with Service(tmp_path) as running:
        running.run("shell", "-c", MAKE_CALLS)
        yield running


def test_a_bulk_action_survives_a_kill_of_its_worker(service):
    database = Database(service.database)
    service.run("shell", "-c", TAG_ALL)

    def tagged():
        return database.count("SELECT count(*) FROM calls_tag")

    worker = service.worker()
    wait_until(lambda: tagged() > 20, what="the first tags")
    children = descendants(worker.pid)
    worker.kill()
    worker.wait()
    wait_until(lambda: not any(map(is_alive, children)), what="the end of its children")
    assert tagged() < CALLS

    service.run("shell", "-c", A_MINUTE_LATER)
    service.worker()

    finished = "SELECT count(*) FROM calls_bulkaction WHERE finished_at IS NOT NULL"
    wait_until(lambda: database.count(finished), what="the end of the action", patience_s=60)
    told = "SELECT count(*) FROM calls_callevent WHERE type = 'tag_added'"
    refused = "SELECT count(*) FROM calls_bulkitem WHERE outcome <> 'done'"
    assert (tagged(), database.count(told), database.count(refused)) == (CALLS, CALLS, 0)


def test_reindexing_continues_after_a_kill(service):
    database = Database(service.database)
    service.run("shell", "-c", MAKE_ANALYSES)

    def found():
        return database.count("SELECT count(*) FROM calls_searchentry")

    process = service.start("manage.py", "reindex")
    wait_until(found, what="the first entries")
    process.kill()
    process.wait()
    between = found()
    assert 0 < between < CALLS

    said = service.run("reindex").stdout

    assert found() == CALLS
    assert f"{CALLS - between} entries made" in said
