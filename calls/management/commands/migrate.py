"""``manage.py migrate``: Django's, which may be killed or run twice, and waits for locks briefly.

Of several at once, one works, and the others wait until it is done.

A migration that waits for a lock blocks everybody who queues behind it. So on PostgreSQL it soon
gives up, lets the others through, and tries again.
"""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.core.management.commands import migrate
from django.db import OperationalError, connections

from calls.backups.restoring import find_unfinished
from calls.operation.locks import TABLES, wait_for
from calls.operation.migrating import OneTransactionExecutor

# Django's command has no other way to choose it.
migrate.MigrationExecutor = OneTransactionExecutor  # type: ignore[attr-defined]
LOCK_NOT_AVAILABLE = "55P03"
MOST_PAUSE_S = 30.0


class Command(migrate.Command):
    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--lock-timeout",
            type=float,
            default=2,
            metavar="SECONDS",
            help="PostgreSQL: wait this long for a lock, then let others through and try again "
            "(default: 2; 0: wait without a limit)",
        )
        parser.add_argument(
            "--lock-tries", type=int, default=10, help="how often to try (default: 10)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        _refuse_beside_a_restore()
        if options["plan"] or options["check_unapplied"]:
            super().handle(*args, **options)
            return
        # Planned once the lock is held, so what another process applied meanwhile is left out.
        with wait_for(TABLES, alias=options["database"], tell=self._tell_of_another):
            _refuse_beside_a_restore()
            self._migrate(args, options)

    def _tell_of_another(self) -> None:
        self.stderr.write("Another migrate or restore is running. Waiting until it ends.")

    def _migrate(self, args: tuple[Any, ...], options: dict[str, Any]) -> None:
        connection = connections[options["database"]]
        if connection.vendor != "postgresql" or not options["lock_timeout"]:
            super().handle(*args, **options)
            return
        milliseconds = max(1, round(options["lock_timeout"] * 1000))
        before = _exchange_lock_timeout(connection, f"{milliseconds}ms")
        try:
            self._try(options["lock_tries"], args, options)
        finally:
            _exchange_lock_timeout(connection, before)

    def _try(self, tries: int, args: tuple[Any, ...], options: dict[str, Any]) -> None:
        """Run the migrations. Those that are done are not repeated."""
        for number in range(1, tries + 1):
            try:
                super().handle(*args, **options)
            except OperationalError as error:
                if getattr(error.__cause__, "sqlstate", None) != LOCK_NOT_AVAILABLE:
                    raise
                if number >= tries:
                    raise CommandError(
                        f"A table was locked in each of {tries} tries. Nothing of the migration "
                        "above was changed. Find the long transaction in pg_stat_activity, or "
                        "try again at a quieter time."
                    ) from error
                pause_s = min(MOST_PAUSE_S, 0.5 * 2 ** (number - 1))
                self.stderr.write(f"A table is locked. Trying again in {pause_s:g} s.")
                time.sleep(pause_s)
            else:
                return


def _refuse_beside_a_restore() -> None:
    """Tables made now would stop the restore from continuing, and look like a restored site."""
    if unfinished := find_unfinished():
        raise CommandError(unfinished)


def _exchange_lock_timeout(connection: Any, value: str) -> str:
    """Set it for this connection, and return what it was."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        before: str = cursor.fetchone()[0]
        cursor.execute("SELECT set_config('lock_timeout', %s, false)", [value])
    return before
