"""A backup or restore that is killed, or loses its disk or database, harms nothing.

What is left is never taken for a whole one, and the next try is whole.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.rig.databases import ROOT, Database, empty_database
from benchmarks.rig.services import Service
from benchmarks.rig.waiting import wait_until
from calls.tests.operation.test_backups import programs

pytestmark = [pytest.mark.processes, pytest.mark.slow]

IS_POSTGRES = os.environ.get("DATABASE_URL", "").startswith("postgres")
DUMPED = ["before shutil.copyfileobj" if IS_POSTGRES else "in backup"]
MAKE_CALLS = """
import os
from calls.models import Call, Packet, Recording, Stream
from django.conf import settings
from django.utils import timezone
now = timezone.now()
for number in range(5):
    call = Call.objects.create(call_id=f"c-{number}", state="ARCHIVED", ended_at=now)
    stream = Stream.objects.create(call=call, name="s")
    Packet.objects.bulk_create(
        Packet(stream=stream, sequence=n, data=os.urandom(4000).hex(), timestamp=n, received_at=now)
        for n in range(40)
    )
    name = f"recordings/2026-11-30/{number}.wav"
    path = os.path.join(settings.MEDIA_ROOT, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(os.urandom(1_500_000 if number == 2 else 1000))
    Recording.objects.create(
        call=call, file=name, version=1, duration_ms=1, size=1, sha256="", created_at=now
    )
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    path = f"{programs()}{os.pathsep}{os.environ['PATH']}"
    with Service(folder, PATH=path, SECRET_KEY="of the tests") as running:
        running.run("shell", "-c", MAKE_CALLS)
        yield running


@pytest.fixture(scope="module")
def backup(site, tmp_path_factory):
    folder = tmp_path_factory.mktemp("backups") / "monday"
    site.run("backup", str(folder))
    return folder


@pytest.fixture
def empty(site, tmp_path):
    """An empty database and an empty folder for a restore."""
    with empty_database(tmp_path) as database:
        yield {"DATABASE_URL": database.url, "MEDIA_ROOT": str(tmp_path / "restored")}


def run(site, *arguments, **environment):
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=site.environment | environment,
        check=False, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def manage(site, *arguments, **environment):
    return run(site, "manage.py", *arguments, **environment)


def strike(site, how, where, *command, **environment):
    return run(site, "-m", "calls.tests.operation.struck", how, where, *command, **environment)


def rows(url):
    """Return all rows by table, without what a restore changes."""
    database = Database(url)
    listed = (
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        if database.is_postgres
        else "SELECT name FROM sqlite_master WHERE type = 'table'"
    )
    tables = {name for (name,) in database.rows(listed)} - {
        "calls_eventlog",
        "calls_workerheartbeat",
    }
    return {name: sorted(map(repr, database.rows(f'SELECT * FROM "{name}"'))) for name in tables}


def files(folder):
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


def restored(site, environment):
    return (rows(environment["DATABASE_URL"]), files_of(environment)) == (
        rows(site.database),
        files(site.folder / "media"),
    )


def files_of(environment):
    return files(Path(environment["MEDIA_ROOT"]))


def wait_for_programs(site):
    """Wait until the programs of PostgreSQL have ended, as what they worked for has."""
    asked = "SELECT count(*) FROM pg_stat_activity WHERE application_name IN ('pg_dump', 'psql')"
    if IS_POSTGRES:
        wait_until(lambda: not Database(site.database).count(asked), what="the end of the programs")


KILLED = [
    "before calls.backups.making.dump",
    *DUMPED,
    "after calls.backups.making.dump",
    "before calls.backups.media._copy@2",
    "after calls.backups.media._copy@5",
    "after calls.backups.making.write_sums",
    "after os.sync",
    "before calls.operation.claims.os.fsync",
    "after calls.backups.making.write_whole",
]


@pytest.mark.parametrize("where", KILLED)
def test_a_killed_backup_is_incomplete_and_says_so(site, empty, tmp_path, where):
    folder = tmp_path / "backup"

    status, _ = strike(site, "kill", where, "backup", str(folder))

    assert status == -signal.SIGKILL
    wait_for_programs(site)
    assert "is not a complete backup" in manage(site, "restore", str(folder), **empty)[1]
    assert "was interrupted" in manage(site, "backup", str(folder))[1]
    assert files_of(empty) == {}


def test_a_backup_that_is_killed_after_its_last_write_is_complete(site, empty, tmp_path):
    folder = tmp_path / "backup"

    status, _ = strike(site, "kill", "before calls.backups.making.sync_folder@1",
                       "backup", str(folder))  # fmt: skip

    assert status == -signal.SIGKILL
    assert "Restored" in manage(site, "restore", str(folder), **empty)[1]
    assert restored(site, empty)


@pytest.mark.parametrize(
    ("how", "where", "told"),
    [
        ("fill_disk", "before calls.backups.making.dump", "CommandError"),
        ("fill_disk", "before calls.backups.media._copy", "File too large"),
        ("interrupt", "before calls.backups.media._copy@3", "KeyboardInterrupt"),
        pytest.param(
            *("lose_database", "before shutil.copyfileobj", "pg_dump failed"),
            marks=pytest.mark.skipif(not IS_POSTGRES, reason="needs PostgreSQL"),
        ),
    ],
)
def test_a_backup_that_fails_removes_what_it_has_written(site, tmp_path, how, where, told):
    folder = tmp_path / "backup"

    status, text = strike(site, how, where, "backup", str(folder))

    assert status
    assert told in text
    assert not folder.exists()


def test_a_second_backup_into_the_same_folder_is_refused(site, tmp_path):
    folder = tmp_path / "backup"
    command = [sys.executable, "manage.py", "backup", str(folder)]
    both = [
        subprocess.Popen(command, cwd=ROOT, env=site.environment, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]

    told = sorted(each.communicate(timeout=120)[1] for each in both)

    assert sorted(each.returncode for each in both) == [0, 1]
    assert "Another backup" in told[1] or "is not empty" in told[1]
    assert (folder / "manifest.json").is_file()
    sums = subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=folder, check=True,
                          capture_output=True, text=True)  # fmt: skip
    assert sums.stdout.count(": OK") == 6


LOADED = (
    ["after calls.backups.dumps._send", "before calls.backups.dumps._send@2",
     "after calls.backups.dumps._send@2"]
    if IS_POSTGRES
    else ["in backup", "before calls.backups.dumps._fill", "after calls.backups.dumps._fill"]
)  # fmt: skip
RESTORED = [
    "before calls.backups.restoring._begin",
    "before calls.backups.restoring.write_whole",
    "after calls.backups.restoring._begin",
    "before calls.backups.media._copy@2",
    "before pathlib.Path.replace@3",
    "after os.sync",
    *LOADED,
    "after calls.backups.restoring.load",
]


@pytest.mark.parametrize("where", RESTORED)
def test_a_restore_that_is_killed_leaves_no_site_and_can_be_repeated(site, backup, empty, where):
    before = files(backup)

    status, _ = strike(site, "kill", where, "restore", str(backup), **empty)

    assert status == -signal.SIGKILL
    wait_for_programs(site)
    assert "A restore was interrupted" in manage(site, "migrate", **empty)[1]
    assert "Restored the state" in manage(site, "restore", str(backup), **empty)[1]
    assert restored(site, empty)
    assert files(backup) == before
    assert manage(site, "migrate", "--check", **empty) == (0, "")
    assert "The database is not empty" in manage(site, "restore", str(backup), **empty)[1]


@pytest.mark.parametrize(
    ("how", "where", "told"),
    [
        ("fill_disk", "before calls.backups.media._copy", "File too large"),
        pytest.param(
            *("fill_disk", "before calls.backups.restoring.load", "CommandError"),
            marks=pytest.mark.skipif(IS_POSTGRES, reason="the disk of the server is another one"),
        ),
        pytest.param(
            *("lose_database", "before calls.backups.dumps._send@2", "psql failed"),
            marks=pytest.mark.skipif(not IS_POSTGRES, reason="needs PostgreSQL"),
        ),
    ],
)
def test_a_restore_that_fails_can_be_repeated(site, backup, empty, how, where, told):
    status, text = strike(site, how, where, "restore", str(backup), **empty)

    assert status == 1
    assert told in text
    assert "Restored the state" in manage(site, "restore", str(backup), **empty)[1]
    assert restored(site, empty)


def test_one_of_two_simultaneous_restores_is_refused(site, backup, empty):
    command = [sys.executable, "manage.py", "restore", str(backup)]
    environment = site.environment | empty
    both = [
        subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]

    told = sorted(each.communicate(timeout=120)[1] for each in both)

    assert sorted(each.returncode for each in both) == [0, 1]
    assert "Another restore" in told[1] or "is not empty" in told[1]
    assert restored(site, empty)
