"""Errors of the database: what they mean, and one warning for a whole outage.

Any kind of outage counts: the server is unreachable, read-only, full, out of connections, or too
slow.
"""

from __future__ import annotations

import logging
import time

from django.db import DatabaseError, Error, InterfaceError, InternalError, OperationalError

from calls.telemetry.catalogue import DATABASE_OUTAGES

# SQLSTATE codes of PostgreSQL, https://www.postgresql.org/docs/current/errcodes-appendix.html
_CONTENTION = {
    "40001",  # serialization_failure
    "40P01",  # deadlock_detected
    "55P03",  # lock_not_available
    "57014",  # query_canceled, which includes statement_timeout
}
_PROGRAM_LIMIT = "54"  # class: the values are too large or too complex
# The database does not fit this version of the program, or has shut it out, until somebody acts.
_MISFIT = {
    "0A000",  # feature_not_supported: a prepared statement after a migration
    "42501",  # insufficient_privilege
    "42703",  # undefined_column
    "42P01",  # undefined_table
}


def is_contention(error: BaseException) -> bool:
    """Return whether other transactions stood in the way, so that fewer rows might succeed."""
    return _state_of(error) in _CONTENTION


def is_outage(error: BaseException) -> bool:
    """Return whether the same statement can succeed later. If not, its values are at fault."""
    if not isinstance(error, Error):
        return False
    state = _state_of(error)
    if state.startswith(_PROGRAM_LIMIT):
        return False
    if isinstance(error, OperationalError | InterfaceError | InternalError) or state in _MISFIT:
        return True
    # SQLite reports a damaged file by the base class. Django raises it, too, but without a cause.
    return type(error) is DatabaseError and error.__cause__ is not None


def _state_of(error: BaseException) -> str:
    return getattr(error.__cause__, "sqlstate", None) or ""


class Outage:
    """Logs when a part of a process loses the database, and when it has it again.

    Most parts try again every second. One line for each try would bury everything else.
    """

    def __init__(self, log: logging.Logger, what: str) -> None:
        self._log = log
        self._what = what
        self._since: float | None = None

    @property
    def lasts(self) -> bool:
        return self._since is not None

    def note(self, error: BaseException) -> None:
        """Call for every failure. Only the first one is logged."""
        DATABASE_OUTAGES.add()
        if self._since is None:
            self._since = time.monotonic()
            self._log.warning("the database is not available, %s: %s", self._what, error)

    def over(self) -> None:
        """Call after every success. The first one after a failure is logged."""
        if self._since is not None:
            lasted_s = time.monotonic() - self._since
            self._since = None
            self._log.warning("the database is available again after %.1f s", lasted_s)
