"""Model fields that Django does not have."""

from __future__ import annotations

from typing import Any

import msgspec
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from calls.formats.plain_text import clean_json


class JSONField(models.JSONField):
    """A JSON field whose bulk inserts are as fast as those of a text field.

    On PostgreSQL, Django sends the values of a column as one array, for which Python escapes each
    quotation mark again. A field with a placeholder of its own is not sent that way.
    """

    def get_placeholder(self, value: Any, compiler: Any, connection: BaseDatabaseWrapper) -> str:
        return "%s"

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        """Clean rows that an older version stored on SQLite, which accepts any escape in JSON."""
        if not isinstance(value, str):
            return super().from_db_value(value, expression, connection)
        try:
            # Several times as fast as Python's module: a transcript has thousands of words.
            found = msgspec.json.decode(value)
        except msgspec.DecodeError:  # NaN and lone surrogates, for example
            found = super().from_db_value(value, expression, connection)
        return clean_json(found) if "\\ud" in value or "\\u0000" in value else found

    def deconstruct(self) -> Any:
        """Name Django's own JSONField in migrations, because the column is the same."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.JSONField", args, kwargs
