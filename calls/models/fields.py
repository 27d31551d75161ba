"""Kinds of columns that Django does not bring along."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


class JSONField(models.JSONField):
    """JSON that is inserted for many rows at a time at the cost of a text.

    On PostgreSQL Django would send the values of a column as one array, in which each quotation
    mark is escaped once more, in Python. A placeholder of its own keeps a field out of that.
    """

    def get_placeholder(self, value: Any, compiler: Any, connection: BaseDatabaseWrapper) -> str:
        return "%s"

    def deconstruct(self) -> Any:
        """Return what migrations know: for them it is the field that it is built on."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.JSONField", args, kwargs
