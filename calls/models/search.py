"""The words of each call, in a form that the database can index and search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from calls.models.call import Call

BREAK = "\u00b6"  # not a word, so no phrase matches across it


@dataclass(frozen=True, slots=True)
class IndexedWords:
    """The words of each side in order, with a BREAK at the end of each text.

    ``loose`` words are found alone, but not as part of a phrase.
    """

    sides: Mapping[str, tuple[str, ...]]
    loose: tuple[str, ...] = ()


class WordsField(models.Field):  # type: ignore[type-arg]
    """A write-only field: a ``tsvector`` with positions by side, or text for FTS5."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "tsvector" if connection.vendor == "postgresql" else "text"

    def get_db_prep_value(
        self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False
    ) -> Any:
        if not isinstance(value, IndexedWords):
            return value
        return as_tsvector(value) if connection.vendor == "postgresql" else as_text(value)

    def get_placeholder(self, value: Any, compiler: Any, connection: BaseDatabaseWrapper) -> str:
        # A cast, not to_tsvector: PostgreSQL's parser would split and stem the words.
        return "%s::tsvector" if connection.vendor == "postgresql" else "%s"


def as_tsvector(words: IndexedWords) -> str:
    """Return a PostgreSQL literal, so that PostgreSQL does not split the words itself."""
    places: dict[str, list[str]] = {}
    for side in words.sides.values():
        for at, word in enumerate(side, 1):
            if word != BREAK:
                places.setdefault(word, []).append(str(at))
    placed = [f"'{word}':{','.join(at)}" for word, at in places.items()]
    return " ".join([*placed, *(f"'{word}'" for word in words.loose)])


def as_text(words: IndexedWords) -> str:
    """Return a text that FTS5 splits into words at spaces."""
    parts = [" ".join(side) for side in words.sides.values()]
    return f" {BREAK} ".join([*parts, *words.loose])


class Matches(models.Lookup):
    """Searches the full-text index. The right side is a query in the database's own syntax."""

    lookup_name = "matches"

    def as_sql(
        self, compiler: Any, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[str | int, ...]]:
        left, parameters = self.process_lhs(compiler, connection)
        sign = "@@ %s::tsquery" if connection.vendor == "postgresql" else "MATCH %s"
        return f"{left} {sign}", (*parameters, self.rhs)

    def get_prep_lookup(self) -> Any:
        return self.rhs


WordsField.register_lookup(Matches)


class SearchEntry(models.Model):
    """The words of a call's newest analysis and of its notes.

    ``version`` is that of the analysis, or 0 without one. ``edition`` is the version of the rules
    that produced the words.
    """

    call = models.OneToOneField(
        Call, on_delete=models.CASCADE, primary_key=True, related_name="search_entry"
    )
    version = models.PositiveIntegerField()
    edition = models.PositiveSmallIntegerField()
    words = WordsField()

    class Meta:
        verbose_name_plural = "search entries"

    def __str__(self) -> str:
        return f"words of {self.call}"


class FullText(models.Model):
    """The table that search queries: on SQLite an FTS5 index kept by triggers, otherwise a view."""

    call = models.OneToOneField(
        Call,
        # Triggers and the view follow the entry, so Django has nothing to delete here.
        on_delete=models.DO_NOTHING,
        primary_key=True,
        db_column="rowid",
        related_name="full_text",
    )
    words = WordsField()

    class Meta:
        managed = False
        db_table = "calls_fulltext"

    def __str__(self) -> str:
        return f"index of {self.call}"
