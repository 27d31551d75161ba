"""Which database errors are temporary, and how an outage is logged."""

import logging
import sqlite3

import psycopg
import pytest
from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    connection,
    transaction,
)
from psycopg import errors

from calls.models import Call
from calls.outage import Outage, is_contention, is_outage


def wrapped(kind, cause):
    """Return an error as Django raises it: its own class, caused by the driver's error."""
    error = kind(str(cause))
    error.__cause__ = cause
    return error


PASSES = {
    "the server is away": wrapped(OperationalError, psycopg.OperationalError("refused")),
    "the connection is closed": wrapped(InterfaceError, psycopg.InterfaceError("closed")),
    "read-only": wrapped(InternalError, errors.ReadOnlySqlTransaction()),
    "disk full": wrapped(OperationalError, errors.DiskFull()),
    "out of connections": wrapped(OperationalError, errors.TooManyConnections()),
    "shutting down": wrapped(OperationalError, errors.AdminShutdown()),
    "lock timeout": wrapped(OperationalError, errors.LockNotAvailable()),
    "statement timeout": wrapped(OperationalError, errors.QueryCanceled()),
    "deadlock": wrapped(OperationalError, errors.DeadlockDetected()),
    "serialisation": wrapped(OperationalError, errors.SerializationFailure()),
    "no privilege": wrapped(ProgrammingError, errors.InsufficientPrivilege()),
    "no migration": wrapped(ProgrammingError, errors.UndefinedColumn()),
    "a stale plan": wrapped(NotSupportedError, errors.FeatureNotSupported()),
    "SQLite is locked": wrapped(OperationalError, sqlite3.OperationalError("locked")),
    "SQLite is damaged": wrapped(DatabaseError, sqlite3.DatabaseError("malformed")),
}
CONTENTION = {"lock timeout", "statement timeout", "deadlock", "serialisation"}
STAYS = {
    "a bad value": wrapped(DataError, errors.NumericValueOutOfRange()),
    "a broken rule": wrapped(IntegrityError, errors.UniqueViolation()),
    "a row that is too large": wrapped(OperationalError, errors.ProgramLimitExceeded()),
    "bad SQL": wrapped(ProgrammingError, errors.SyntaxError()),
    "no row was saved": DatabaseError("Save with update_fields did not affect any rows."),
    "a bug": ValueError("a bug"),
}


@pytest.mark.parametrize("name", PASSES)
def test_a_temporary_error_is_an_outage(name):
    assert is_outage(PASSES[name])
    assert is_contention(PASSES[name]) is (name in CONTENTION)


@pytest.mark.parametrize("name", STAYS)
def test_a_permanent_error_is_not_an_outage(name):
    assert not is_outage(STAYS[name])
    assert not is_contention(STAYS[name])


@pytest.mark.django_db(transaction=True)
def test_a_database_that_turns_read_only_is_an_outage():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no such mode")

    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
        with pytest.raises(InternalError) as caught:
            Call.objects.create(call_id="c-1")
        transaction.set_rollback(True)

    assert is_outage(caught.value)


@pytest.mark.django_db(transaction=True)
def test_the_program_chooses_the_isolation_level_and_not_the_database():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one level")
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE")

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SHOW transaction_isolation")
        level = cursor.fetchone()[0]

    connection.close()
    assert level == "read committed"


def test_an_outage_is_one_warning_when_it_begins_and_one_when_it_is_over(caplog):
    caplog.set_level(logging.INFO)
    outage = Outage(logging.getLogger("calls.test"), "packets wait")

    outage.over()
    for _ in range(3):
        outage.note(OperationalError("refused"))
    assert outage.lasts
    for _ in range(3):
        outage.over()

    assert not outage.lasts
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert "packets wait: refused" in caplog.messages[0]
    assert "available again" in caplog.messages[1]
