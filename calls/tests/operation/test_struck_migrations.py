"""`manage.py migrate` may be killed at any point, or run several times at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from benchmarks.rig.databases import ROOT, Database, empty_database

pytestmark = [pytest.mark.processes, pytest.mark.slow]
RECORDED = "django.db.migrations.recorder.MigrationRecorder.record_applied"
ENDED = "django.db.backends.base.schema.BaseDatabaseSchemaEditor.__exit__"
POINTS = [
    f"before {RECORDED}@0006_alerts_and_webhooks",  # with indexes and foreign keys
    f"after {RECORDED}@0006_alerts_and_webhooks",
    f"before {RECORDED}@0037_calls_by_opening",  # without a transaction
    *(f"after {ENDED}@{number}" for number in (20, 30, 40, 50)),
    "before django.core.management.commands.migrate.emit_post_migrate_signal",
]


def run(url, *arguments):
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env={**os.environ, "DATABASE_URL": url},
        check=False, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def assert_migrated(url):
    status, text = run(url, "manage.py", "migrate", "--verbosity", "0")
    assert status == 0, text


def structure(url):
    """Return the tables and indexes of a database, and who may do what."""
    database = Database(url)
    listed = (
        "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' UNION "
        "SELECT table_name || '.' || column_name FROM information_schema.columns "
        "WHERE table_schema = 'public' UNION "
        "SELECT conname || pg_get_constraintdef(oid) FROM pg_constraint"
        if database.is_postgres
        else "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"
    )
    rights = (
        "SELECT name, codename FROM auth_group_permissions JOIN auth_group ON "
        "auth_group.id = group_id JOIN (SELECT id, codename FROM auth_permission) AS permission "
        "ON permission.id = permission_id"
    )
    return {row[0] for row in database.rows(listed)}, set(database.rows(rights))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    with empty_database(tmp_path_factory.mktemp("whole")) as database:
        assert_migrated(database.url)
        yield structure(database.url)


@pytest.mark.parametrize("where", POINTS)
def test_the_next_migrate_continues_after_a_kill(tmp_path, whole, where):
    with empty_database(tmp_path) as database:
        strike = ("-m", "calls.tests.operation.struck", "kill", where)
        status, _ = run(database.url, *strike, "migrate", "--verbosity", "0")

        assert status == -signal.SIGKILL
        assert_migrated(database.url)
        assert structure(database.url) == whole


def begin(url, *arguments):
    return subprocess.Popen(
        [sys.executable, *arguments], cwd=ROOT, text=True,
        env={**os.environ, "DATABASE_URL": url, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def begin_migrating(url, *arguments):
    """Start a migrate, and wait until it is at work."""
    process = begin(url, *arguments, "migrate")
    while "Running migrations" not in (line := process.stdout.readline()):
        assert line, "it ended"
    return process


def test_of_several_migrates_at_once_each_ends_well_and_one_database_is_made(tmp_path, whole):
    with empty_database(tmp_path) as database:
        all_of_them = [begin(database.url, "manage.py", "migrate") for _ in range(3)]

        told = [each.communicate(timeout=300)[0] for each in all_of_them]

        assert [each.returncode for each in all_of_them] == [0, 0, 0], told
        assert sum("Applying" in text for text in told) == 1
        assert structure(database.url) == whole


def test_a_migrate_that_waits_goes_on_where_the_first_one_was_killed(tmp_path, whole):
    with empty_database(tmp_path) as database:
        strike = ("-m", "calls.tests.operation.struck", "kill", f"after {ENDED}@50")
        first = begin_migrating(database.url, *strike)
        second = begin(database.url, "manage.py", "migrate")

        first.communicate(timeout=300)
        told = second.communicate(timeout=300)[0]

        assert first.returncode == -signal.SIGKILL
        assert second.returncode == 0, told
        assert structure(database.url) == whole
