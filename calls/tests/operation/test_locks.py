"""Locks between the processes of a site. Threads stand for processes."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection, connections

from benchmarks.rig.waiting import wait_until
from calls.operation.claims import InUse
from calls.operation.locks import BACKUP, TABLES, hold, is_held

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def another_process(lock, *, shared=False):
    """Let another process hold a lock until the block ends."""
    held, over = threading.Event(), threading.Event()

    def work():
        with hold(lock, shared=shared):
            held.set()
            over.wait(20)
        connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    assert held.wait(20)
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_a_lock_has_one_holder_and_everybody_sees_that_it_is_held():
    with another_process(TABLES):
        assert is_held(TABLES)
        assert not is_held(BACKUP)
        with pytest.raises(InUse), hold(TABLES):
            pass

    assert not is_held(TABLES)
    with hold(TABLES):
        assert is_held(TABLES)


def test_shared_holders_do_not_exclude_each_other_and_the_last_one_counts():
    with hold(BACKUP, shared=True):
        with another_process(BACKUP, shared=True):
            pass
        assert is_held(BACKUP)

    assert not is_held(BACKUP)


def test_work_that_fails_gives_its_lock_back():
    with pytest.raises(ZeroDivisionError), hold(TABLES):
        raise ZeroDivisionError

    assert not is_held(TABLES)


def test_a_site_on_sqlite_keeps_no_file_of_a_lock():
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL keeps no files")
    with hold(TABLES):
        pass

    file = Path(str(connection.settings_dict["NAME"]))
    assert not list(file.parent.glob(f"{file.name}.{TABLES.ending}"))


def test_a_migrate_waits_until_another_one_is_done():
    told = StringIO()

    def migrate():
        call_command("migrate", verbosity=0, stderr=told)
        connections.close_all()

    thread = threading.Thread(target=migrate)
    with another_process(TABLES):
        thread.start()
        wait_until(lambda: "Another migrate or restore is running" in told.getvalue(), what="wait")
        assert thread.is_alive()
    thread.join(timeout=20)

    assert not thread.is_alive()
    assert told.getvalue().count("\n") == 1


def test_a_migrate_that_changes_nothing_does_not_wait():
    told = StringIO()

    with another_process(TABLES):
        call_command("migrate", plan=True, stdout=StringIO(), stderr=told)
        call_command("migrate", check_unapplied=True, verbosity=0, stderr=told)

    assert told.getvalue() == ""
