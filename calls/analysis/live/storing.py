"""Stores live words: the utterances of many calls, and how far each call has got."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, models, transaction

from calls.analysis.live.headline import write_headline
from calls.models import LiveTranscription, LiveUtterance

_BATCH = 500
_REWRITTEN = ("revision", "text", "words", "provisional", "shown", "sentiment", "score")


@dataclass(slots=True)
class Change:
    """What is new of one call. ``rewritten`` utterances have been stored before.

    ``fields`` are those of the call's LiveTranscription without the revision, which grows if
    ``is_news``: if readers should look. ``headline`` holds figures whose sentiments may be news
    for the call's row.
    """

    call_pk: int
    token: int
    fields: dict[str, Any]
    is_news: bool
    headline: dict[str, Any] | None = None
    new: list[LiveUtterance] = field(default_factory=list)
    rewritten: list[LiveUtterance] = field(default_factory=list)


def store(changes: Sequence[Change], *, owner: str, now: datetime) -> set[int]:
    """Store the changes in one transaction. Returns the calls that this process has lost.

    Readers see the revisions of a call in order, because its row stays locked until the commit.
    """
    by_call = {change.call_pk: change for change in changes}
    with transaction.atomic():
        locked = LiveTranscription.objects.select_for_update().filter(pk__in=by_call)
        rows = {
            row.pk: row
            for row in locked.only("owner", "token", "revision").order_by("pk")
            if row.owner == owner and row.token == by_call[row.pk].token
        }
        kept = [by_call[pk] for pk in rows]
        for change in kept:
            _apply(rows[change.call_pk], change, now)
        LiveUtterance.objects.bulk_create(
            [each for change in kept for each in change.new], batch_size=_BATCH
        )
        _update(_REWRITTEN, [each for change in kept for each in change.rewritten])
        of_fields = defaultdict(list)
        for change in kept:
            of_fields[tuple(change.fields)].append(rows[change.call_pk])
        for fields, alike in of_fields.items():
            _update(("revision", "changed_at", *fields), alike)
    for change in kept:
        if change.headline is not None:
            _store_headline(change, change.headline, owner=owner, now=now)
    return set(by_call) - set(rows)


def _store_headline(change: Change, figures: dict[str, Any], *, owner: str, now: datetime) -> None:
    # Separately: ingest locks several calls at once, in an order of its own.
    with transaction.atomic():
        mine = LiveTranscription.objects.select_for_update().filter(
            pk=change.call_pk, owner=owner, token=change.token
        )
        if mine.first() is not None:
            write_headline(change.call_pk, figures, at=now)


def _apply(row: LiveTranscription, change: Change, now: datetime) -> None:
    row.revision += change.is_news
    row.changed_at = now
    for name, value in change.fields.items():
        setattr(row, name, value)
    for utterance in (*change.new, *change.rewritten):
        utterance.revision = row.revision


def _update(fields: Sequence[str], rows: Sequence[models.Model]) -> None:
    """Write fields of rows that exist.

    The conditional expressions of `bulk_update` take ten times as long to build, in a process that
    shares its core with the recognition.
    """
    if not rows:
        return
    meta, quote = rows[0]._meta, connection.ops.quote_name  # noqa: SLF001
    columns = [each for each in meta.concrete_fields if each.name in fields]
    values = [
        [*(each.get_db_prep_save(getattr(row, each.attname), connection) for each in columns),
         row.pk]
        for row in rows
    ]  # fmt: skip
    assignments = ", ".join(f"{quote(str(each.column))} = %s" for each in columns)
    where = f"{quote(str(meta.pk.column))} = %s"
    with connection.cursor() as cursor:
        cursor.executemany(
            f"UPDATE {quote(meta.db_table)} SET {assignments} WHERE {where}",  # noqa: S608 (names)
            values,
        )
