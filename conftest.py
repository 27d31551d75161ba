"""What every test of the project needs."""

from __future__ import annotations

from collections.abc import Iterator
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
    "test_browser",
    "test_carrier_speech",
    "test_express_wire",
    "test_jitter_buffer",
    "test_real_speech",
    "test_reuse",
    "test_speech",
)
STAY = {"django_content_type", "auth_permission"}


def pytest_configure() -> None:
    """Leave out what takes most of the time of a small test and is no part of what it tests.

    Real servers, which tests start as processes, keep both.
    """
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # 0.3 s for one
    # Every client of a test would look at all static files, in 0.05 s.
    settings.SERVESTATIC_USE_FINDERS = False


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what a database has a say in: the rest need not be run once for each database."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        starts_processes = item.get_closest_marker("processes") is not None
        if item.get_closest_marker("django_db") or starts_processes or fixtures & NEEDS_A_DATABASE:
            item.add_marker(pytest.mark.database)
        if _is_dark(item):
            item.add_marker(pytest.mark.slow)


def _is_dark(item: pytest.Item) -> bool:
    """Whether this looks at a page in dark colours, which is left to `make soak`."""
    name = item.name.partition("[")[2]
    return item.get_closest_marker("browser") is not None and "dark" in name


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep modules together whose tests share what is costly: a browser, recordings, servers.

    With marks and `--dist loadgroup` xdist 3.8 does so no longer since pytest 9.2.
    """
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            module = nodeid.partition("::")[0]
            return module if Path(module).name.startswith(SHARING) else nodeid

    return Scheduling(config, log)


@pytest.fixture(autouse=True)
def _no_remembered_calls() -> None:
    """Calls of an earlier test are gone, and would be opened later than those nobody knows."""
    from calls.ingest import record

    record._known.clear()  # noqa: SLF001
    record.late_log.clear()


@pytest.fixture(scope="session", autouse=True)
def _tables_are_emptied_quickly(django_db_setup) -> None:
    """After a test with real transactions; permissions stay, as creating them takes long.

    Django's TRUNCATE makes new files for every table and index, which takes PostgreSQL 0.2 s.
    """
    connection.ops.sql_flush = _empty
    post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")
    post_migrate.disconnect(create_contenttypes)


def _empty(style: object, tables: list[str], **options: object) -> list[str]:
    names = [f'"{table}"' for table in tables if table not in STAY]
    deletions = [f"DELETE FROM {name}" for name in names]  # noqa: S608
    if connection.vendor != "postgresql":
        return deletions
    # As TRUNCATE does, wait for whoever still writes.
    return [f"LOCK TABLE {', '.join(names)} IN SHARE ROW EXCLUSIVE MODE", *deletions]


@pytest.fixture(scope="session", autouse=True)
def _no_connection_outlives_the_tests(django_db_setup, django_db_blocker) -> Iterator[None]:
    """Threads of event loops that are gone keep their connection: drop it with the database."""
    yield
    if connection.vendor != "postgresql":
        return
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
