"""Operations of migrations that leave a busy database usable while they run.

``calls/tests/operation/test_migrations.py`` says which migrations need them.
"""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.operations import NotInTransactionMixin
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import AddIndex, RemoveIndex


class _Online(NotInTransactionMixin):
    """Without a transaction, and without a limit for locks: it waits for old transactions to end.

    It holds up nobody while it waits.
    """

    atomic = False

    def _begin(self, schema_editor: BaseDatabaseSchemaEditor) -> bool:
        """Return whether the database supports CONCURRENTLY."""
        if schema_editor.connection.vendor != "postgresql":
            return False
        self._ensure_not_in_transaction(schema_editor)
        return True


class AddIndexOnline(_Online, AddIndex):
    """Adds an index without a lock on writes. The migration must say ``atomic = False``."""

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        # An earlier try that was interrupted has left an index, which may never be used.
        name = schema_editor.quote_name(self.index.name)
        if not self._begin(schema_editor):
            schema_editor.execute(f"DROP INDEX IF EXISTS {name}")
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model = to_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        timeout = _lift_lock_timeout(schema_editor)
        schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        schema_editor.add_index(model, self.index, concurrently=True)
        _set_lock_timeout(schema_editor, timeout)

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        if not self._begin(schema_editor):
            super().database_backwards(app_label, schema_editor, from_state, to_state)
            return
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            schema_editor.remove_index(model, self.index, concurrently=True)


class RemoveIndexOnline(_Online, RemoveIndex):
    """Removes an index without a lock. The migration must say ``atomic = False``."""

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        if not self._begin(schema_editor):
            schema_editor.execute(f"DROP INDEX IF EXISTS {schema_editor.quote_name(self.name)}")
            return
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            index = from_state.models[app_label, self.model_name_lower].get_index_by_name(self.name)
            schema_editor.remove_index(model, index, concurrently=True)


def _lift_lock_timeout(schema_editor: Any) -> str:
    if schema_editor.collect_sql:
        return ""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        before: str = cursor.fetchone()[0]
    _set_lock_timeout(schema_editor, "0")
    return before


def _set_lock_timeout(schema_editor: Any, value: str) -> None:
    if not schema_editor.collect_sql:
        with schema_editor.connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", [value])
