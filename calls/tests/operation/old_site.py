"""A database as an old release left it: `python -m calls.tests.operation.old_site MIGRATION`.

It applies the migrations of calls up to this one to the empty database of DATABASE_URL, and makes
rows in every table. It prints the rows, as they were at that time, as JSON.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import django
from django.apps import apps as current_apps
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models
from django.db.migrations.executor import MigrationExecutor

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ROWS = 3
# What a value of any kind would not be valid for.
SPECIAL = {
    ("Call", "state"): ("ARCHIVED", "FAILED", "IN_PROGRESS"),
    ("CallEvent", "type"): ("call_opened", "state_change", "gap_detected"),
    ("Transcript", "turns"): ([{"text": "Hello.", "track": "customer", "start_ms": 0,
                                "end_ms": 900}],) * ROWS,
    ("Analysis", "turns"): ([{"text": "Hello.", "track": "customer", "start_ms": 0,
                              "end_ms": 900}],) * ROWS,
}  # fmt: skip
VALUES: list[tuple[type[models.Field], Any]] = [
    (models.BooleanField, lambda at: bool(at % 2)),
    (models.DateTimeField, lambda at: AT.replace(hour=at)),
    (models.DateField, lambda at: AT.date().replace(day=at + 1)),
    (models.FloatField, lambda at: at + 0.5),
    (models.UUIDField, lambda at: UUID(int=at)),
    (models.JSONField, lambda at: []),
    (models.BinaryField, lambda at: b"\x00" * at),
    (models.IntegerField, lambda at: at + 1),
    (models.FileField, lambda at: f"file-{at}"),
    (models.DurationField, lambda at: timedelta(seconds=at)),
    (models.TextField, lambda at: f"text {at}"),
    (models.CharField, lambda at: f"v{at}"),
]


DERIVED = {"SearchEntry", "FullText"}  # made of the others by `manage.py reindex`


def migrate(name: str) -> Any:
    """Apply the migrations of calls up to one, and all of the other apps. Returns the models."""
    executor = MigrationExecutor(connection)
    others = [node for node in executor.loader.graph.leaf_nodes() if node[0] != "calls"]
    executor.migrate([("calls", name), *others])
    return MigrationExecutor(connection).loader.project_state([("calls", name)]).apps


def fill(old: Any) -> None:
    made: dict[str, list[models.Model]] = {}
    waiting = [model for model in old.get_models() if model._meta.app_label == "calls"]
    waiting = [each for each in waiting if each._meta.managed and not each.objects.exists()]
    waiting = [each for each in waiting if each.__name__ not in DERIVED]
    while waiting:
        missing = {model.__name__ for model in waiting}
        ready = [model for model in waiting if not _needs(model) & missing - {model.__name__}]
        for model in ready:
            made[model.__name__] = [_make(model, at, made) for at in range(ROWS)]
            waiting.remove(model)


def _needs(model: Any) -> set[str]:
    relations = (field for field in model._meta.fields if field.remote_field and not field.null)
    return {field.related_model.__name__ for field in relations}


def _make(model: Any, at: int, made: dict[str, list[models.Model]]) -> models.Model:
    values: dict[str, Any] = {}
    for field in model._meta.fields:
        if field.remote_field:
            rows = made.get(field.related_model.__name__)
            if rows:
                values[field.name] = rows[at]
        elif not (field.generated or isinstance(field, models.AutoField)):
            values[field.name] = _value(model.__name__, field, at)
    row: models.Model = model.objects.create(**values)
    return row


def _value(model: str, field: Any, at: int) -> Any:
    if special := SPECIAL.get((model, field.name)):
        return special[at]
    if field.choices:
        return field.choices[at % len(field.choices)][0]
    for kind, make in VALUES:
        if isinstance(field, kind):
            value = make(at)
            return (
                value[: field.max_length] if isinstance(value, str) and field.max_length else value
            )
    raise TypeError(field)


def dump(of: Any) -> dict[str, dict[str, Any]]:
    """Return the rows of every table of calls by table and key."""
    return {
        model._meta.db_table: {str(row["pk"]): row for row in _rows(model)}
        for model in of.get_models()
        if model._meta.app_label == "calls" and model._meta.managed
    }


def _rows(model: Any) -> list[dict[str, Any]]:
    names = [field.attname for field in model._meta.concrete_fields]
    return list(model.objects.values("pk", *names).order_by("pk"))


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "callcenter.settings")
    django.setup()
    if sys.argv[1] == "--now":
        told = dump(current_apps)
    else:
        old = migrate(sys.argv[1])
        fill(old)
        told = dump(old)
    sys.stdout.write(json.dumps(told, cls=DjangoJSONEncoder, default=repr))
