"""Records a migration in the transaction that applies it, so that `migrate` may be killed.

Django leaves indexes and foreign keys to the end of that transaction, and then records the
migration in another one. Killed in between, it would make the same tables again, and fail.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor


class OneTransactionExecutor(MigrationExecutor):
    def apply_migration(self, state: Any, migration: Migration, *how: Any, **named: Any) -> Any:
        # Django records it in the same transaction if nothing is left to the end.
        _replace(migration, "apply", partial(_with_the_rest, migration.apply))
        return super().apply_migration(state, migration, *how, **named)

    def unapply_migration(self, state: Any, migration: Migration, *how: Any, **named: Any) -> Any:
        _replace(migration, "unapply", partial(self._unapply, migration, migration.unapply))
        return super().unapply_migration(state, migration, *how, **named)

    def _unapply(
        self, migration: Migration, unapply: Callable[..., Any], state: Any, editor: Any, **how: Any
    ) -> Any:
        after = _with_the_rest(unapply, state, editor, **how)
        self.recorder.record_unapplied(migration.app_label, migration.name)
        return after


def _replace(migration: Migration, name: str, function: Callable[..., Any]) -> None:
    # Once: the same object may be applied in another try, or by another executor.
    migration.__dict__.setdefault(name, function)


def _with_the_rest(step: Callable[..., Any], state: Any, editor: Any, **how: Any) -> Any:
    after = step(state, editor, **how)
    for statement in editor.deferred_sql:
        editor.execute(statement, None)
    editor.deferred_sql.clear()
    return after
