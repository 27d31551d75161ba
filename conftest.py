"""What every test of the project needs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.contenttypes.management import create_contenttypes
from django.db import connection
from django.db.models.signals import post_migrate

NEEDS_A_DATABASE = {"db", "transactional_db", "live_server"}
# None of these empties the database: such tests come last, and these modules first.
SHARING = (
    "test_carrier_speech",
    "test_express_wire",
    "test_jitter_buffer",
    "test_path_prefix",
    "test_python_client",
    "test_real_speech",
    "test_reuse",
    "test_schema",
    "test_security_guide",
    "test_several_processes",
    "test_speech",
)
BROWSER = "test_browser"
LIVE_PAGES = ("call", "listen", "live")
STAY = {"django_content_type", "auth_permission"}
OF_THE_SITE = settings.DATABASES["default"]["NAME"]


def pytest_configure() -> None:
    """Leave out parts that take most of the time of a small test and are not tested by it.

    Real servers, which tests start as processes, keep both.
    """
    if os.environ.get("CI"):
        from calls.tests.programs import import_in_ci

        pytest.importorskip = import_in_ci
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # 0.3 s for one
    # Every client of a test would look at all static files, in 0.05 s.
    settings.SERVESTATIC_USE_FINDERS = False
    settings.METRICS_EVERY = 0  # the thread would write into the database of other tests
    # A power cut may take a test's database; waiting for the disk takes longer than most tests.
    options = settings.DATABASES["default"]["OPTIONS"]
    if "init_command" in options:
        options["init_command"] = options["init_command"].replace("=FULL", "=OFF")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests that depend on the database: the rest need not be run once for each database."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        starts_processes = item.get_closest_marker("processes") is not None
        if item.get_closest_marker("django_db") or starts_processes or fixtures & NEEDS_A_DATABASE:
            item.add_marker(pytest.mark.database)
        if _is_dark(item):
            item.add_marker(pytest.mark.slow)


def _is_dark(item: pytest.Item) -> bool:
    """Whether this test checks a page in dark colours, which is left to `make soak`."""
    name = item.name.partition("[")[2]
    return item.get_closest_marker("browser") is not None and "dark" in name


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep tests together that share something costly: a browser and a site, recordings, servers.

    Two workers share the tests with a browser. A site and a browser on each of four would take
    longer to start than the tests gain.

    xdist 3.8 no longer does this with marks and `--dist loadgroup` since pytest 9.2.
    """
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            module = Path(nodeid.partition("::")[0])
            if module.name.startswith(BROWSER):
                return "live pages" if module.parent.name in LIVE_PAGES else "other pages"
            return str(module) if module.name.startswith(SHARING) else nodeid

    return Scheduling(config, log)


@pytest.fixture(autouse=True)
def _no_remembered_calls() -> None:
    """Calls of an earlier test are gone, and would be opened later than those nobody knows."""
    from calls.ingest import record

    record._known.clear()  # noqa: SLF001
    record.late_log.clear()


@pytest.fixture(autouse=True)
def _no_overload_of_the_test_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The buffer of the process refuses nothing because one commit was slow, here or in an earlier
    test. Tests of overload have buffers of their own.
    """
    from calls.ingest import buffer
    from calls.ingest.pressure import Shedding

    class Calm(Shedding):
        def note(self, wait_s: float, now: float) -> bool:
            return False

    def make_buffer() -> buffer.Buffer:
        made = make()
        made.requests = Calm(limit_s=1.0, calm_s=1.0)
        return made

    make = buffer._make_buffer  # noqa: SLF001
    monkeypatch.setattr(buffer, "_make_buffer", make_buffer)


@pytest.fixture(autouse=True)
def _no_counts_of_earlier_tests() -> None:
    from calls.telemetry import meters

    meters.forget()


@pytest.fixture(autouse=True)
def _no_remembered_keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keys of an earlier test are gone, and no thread writes outside the test's transaction."""
    from calls.keys import ring
    from calls.keys.guesses import guesses
    from calls.keys.last_use import last_use
    from calls.keys.limits import rate_limits

    monkeypatch.setattr(last_use, "start", lambda write: None)
    for memory in (ring, last_use, guesses, rate_limits):
        memory.forget()
    yield
    for memory in (ring, last_use):
        memory.forget()


@pytest.fixture(scope="session", autouse=True)
def _tables_are_emptied_quickly(django_db_setup, django_db_blocker) -> None:
    """Clean up after a test with real transactions; permissions stay, as creating them is slow.

    Django's TRUNCATE makes new files for every table and index, which takes PostgreSQL 0.2 s.
    """
    from calls.models import Watch

    if not _is_test_database():
        return
    connection.ops.sql_flush = _empty
    with django_db_blocker.unblock():
        _let_the_audit_log_be_emptied()
        Watch.objects.all().delete()  # a test's watch begins where its own calls do
    post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")
    post_migrate.disconnect(create_contenttypes)


def _is_test_database() -> bool:
    """Whether a test database was made. A run in which no test needs one has the site's."""
    return bool(connection.settings_dict["NAME"] != OF_THE_SITE)


def _let_the_audit_log_be_emptied() -> None:
    """Drop the triggers that keep it, which a test of them creates again."""
    audit = import_module("calls.migrations.0042_audit")
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("DROP FUNCTION IF EXISTS calls_audit_refuse CASCADE")
            return
        for name in re.findall(r"TRIGGER (\w+)", " ".join(audit.SQLITE)):
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}")


def _empty(style: object, tables: list[str], **options: object) -> list[str]:
    names = [f'"{table}"' for table in tables if table not in STAY]
    deletions = [f"DELETE FROM {name}" for name in names]  # noqa: S608 (names of our tables)
    if connection.vendor != "postgresql":
        return deletions
    # As TRUNCATE does, wait for whoever still writes.
    return [f"LOCK TABLE {', '.join(names)} IN SHARE ROW EXCLUSIVE MODE", *deletions]


@pytest.fixture(scope="session", autouse=True)
def _no_connection_outlives_the_tests(django_db_setup, django_db_blocker) -> Iterator[None]:
    """Threads of event loops that are gone keep their connection: drop it with the database."""
    yield
    if connection.vendor != "postgresql" or not _is_test_database():
        return
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
