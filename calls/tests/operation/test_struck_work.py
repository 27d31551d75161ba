"""Commands that remove or import data may be killed: the next run finishes the work."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.rig.databases import ROOT, Database, empty_database
from benchmarks.rig.services import Service
from calls.tests.operation.test_backups import programs

pytestmark = [pytest.mark.processes, pytest.mark.slow]
MAKE_CALLS = """
from datetime import timedelta
import os
from calls.models import Call, Packet, Recording, Stream
from django.conf import settings
from django.utils import timezone
then = timezone.now() - timedelta(days=30)
for number in range(3):
    call = Call.objects.create(
        call_id=f"c-{number}", state="ARCHIVED", opened_at=then, ended_at=then, last_packet_at=then,
        state_changed_at=then,
    )
    stream = Stream.objects.create(call=call, name="s")
    Packet.objects.bulk_create(
        Packet(stream=stream, sequence=n, data="hello", timestamp=n, received_at=then)
        for n in range(5)
    )
    names = [f"{kind}/2026-10-30/{number}.wav{end}"
             for kind, end in (("recordings", ""), ("waveforms", ".peaks"))]
    for name in names:
        path = os.path.join(settings.MEDIA_ROOT, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(b"sound")
        os.utime(path, (then.timestamp(), then.timestamp()))
    Recording.objects.create(
        call=call, file=names[0], version=1, duration_ms=1, size=5, sha256="", created_at=then
    )
"""
SWEEP = "from calls.erasure.services import resume_erasures; print(resume_erasures())"


@pytest.fixture
def site(tmp_path):
    path = f"{programs()}{os.pathsep}{os.environ['PATH']}"
    ledger = str(tmp_path / "ledger" / "ledger.jsonl")
    with Service(tmp_path, PATH=path, SECRET_KEY="of the tests", ERASURE_LEDGER=ledger) as running:
        running.run("shell", "-c", MAKE_CALLS)
        yield running


def strike(site, where, *command, how="kill"):
    done = subprocess.run(
        [sys.executable, "-m", "calls.tests.operation.struck", how, where, *command],
        cwd=ROOT, env=site.environment, check=False, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    wanted = -signal.SIGKILL if how == "kill" else 0
    assert done.returncode == wanted, done.stdout + done.stderr


def count(site, table):
    return Database(site.environment["DATABASE_URL"]).count(f"SELECT count(*) FROM calls_{table}")


def files(site):
    folder = Path(site.environment["MEDIA_ROOT"])
    return sorted(file.name for file in folder.rglob("*") if file.is_file())


@pytest.mark.parametrize(
    "where",
    [
        "after calls.retention.old_calls._empty_batch",
        "before calls.retention.old_calls.remove_call@2",
        "after calls.retention.old_calls.remove_call@2",
        "before calls.analysis.recording.files.remove_files",
        "after django.core.files.storage.filesystem.FileSystemStorage.delete",
        "before django.core.files.storage.filesystem.FileSystemStorage.delete@4",
    ],
)
def test_killed_retention_is_finished_by_the_next_run(site, where):
    strike(site, where, "prune", "--calls-older-than", "7")
    named = {name for (name,) in Database(site.database).rows("SELECT file FROM calls_recording")}
    assert {Path(name).name for name in named} <= set(files(site)), "no row lost its file"

    site.run("prune", "--calls-older-than", "7")

    assert (count(site, "call"), count(site, "packet"), files(site)) == (0, 0, [])


@pytest.mark.parametrize(
    "where",
    [
        "after calls.erasure.services._remove_batch",
        "before calls.analysis.recording.files.remove_files",
        "after django.core.files.storage.filesystem.FileSystemStorage.delete",
        "before calls.erasure.ledger.append",
        "before calls.erasure.ledger._write_all",
        "after calls.erasure.ledger.append",
    ],
)
def test_a_killed_erasure_is_finished_by_the_worker_and_is_in_the_ledger_once(site, where):
    strike(site, where, "erase", "--call-id", "c-1", "--reason", "Case 1")
    assert "1" in site.run("shell", "-c", SWEEP).stdout

    (line,) = site.run("erase", "--ledger").stdout.splitlines()
    assert json.loads(line)["reason"] == "Case 1"
    written = Path(site.environment["ERASURE_LEDGER"]).read_text().splitlines()
    assert [json.loads(each)["id"] for each in written] == [json.loads(line)["id"]]
    assert count(site, "call") == 2
    assert files(site) == ["0.wav", "0.wav.peaks", "2.wav", "2.wav.peaks"]


@pytest.mark.parametrize(
    "where",
    [
        "after calls.erasure.again.save_erasure",
        "after calls.erasure.services._remove_batch",
        "before calls.erasure.ledger.adopt",
        "after calls.erasure.ledger.adopt",
    ],
)
def test_erasing_restored_data_again_survives_a_kill(site, tmp_path, where):
    site.run("backup", str(tmp_path / "backup"))
    site.run("erase", "--call-id", "c-1", "--reason", "Case 1")
    (tmp_path / "new").mkdir()
    with empty_database(tmp_path / "new") as database:
        site.environment |= {"DATABASE_URL": database.url, "MEDIA_ROOT": str(tmp_path / "restored")}
        site.run("restore", str(tmp_path / "backup"))
        assert count(site, "call") == 3

        strike(site, where, "erase", "--again")
        assert site.run("erase", "--check", check=False).returncode == 1
        site.run("shell", "-c", SWEEP)

        assert "knows every erasure" in site.run("erase", "--check").stdout
        assert count(site, "call") == 2
        assert "1.wav" not in files(site)


def test_a_backup_has_every_recording_of_its_calls_though_one_is_erased_meanwhile(site, tmp_path):
    whole = files(site)
    strike(site, "after calls.backups.making.dump", "backup", str(tmp_path / "backup"), how="erase")
    assert (count(site, "call"), files(site)) == (2, whole), "the files wait for the backup"

    assert "1" in site.run("shell", "-c", SWEEP).stdout

    assert [name for name in whole if name not in files(site)] == ["1.wav", "1.wav.peaks"]
    (tmp_path / "new").mkdir()
    with empty_database(tmp_path / "new") as database:
        site.environment |= {"DATABASE_URL": database.url, "MEDIA_ROOT": str(tmp_path / "restored")}
        told = site.run("restore", str(tmp_path / "backup"))
        assert (count(site, "call"), files(site)) == (3, whole)
        assert told.stderr == ""


@pytest.mark.parametrize("where", ["after calls.people.importing._Known.store",
                                   "after calls.people.importing._audit"])  # fmt: skip
def test_a_killed_import_of_agents_changes_nothing(site, tmp_path, where):
    file = tmp_path / "agents.csv"
    file.write_text("agent,teams\nAnn,Berlin;Hamburg\nBob,Berlin\n")

    strike(site, where, "import_agents", str(file))
    assert (count(site, "agent"), count(site, "team")) == (0, 0)

    assert "2 new ones" in site.run("import_agents", str(file)).stdout
    assert (count(site, "agent"), count(site, "team")) == (2, 2)
