"""Removes data about a call that is not deleted with it.

Messages to other systems, lists of bulk actions, filters that name a number, Django's own log, and
the id of the call in the audit log. It reads whole tables in portions: an erasure is rare.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import Model, QuerySet
from django.utils import timezone

from calls.audit.pseudonyms import pseudonym
from calls.holds.customers import normal_number
from calls.models import (
    AuditEntry,
    BulkAction,
    BulkItem,
    Call,
    CallEvent,
    LegalHold,
    SavedView,
    WebhookDelivery,
)

AT_ONCE = 1_000
REASON = "erasure"
# Open pages and readers of the feed are told which call is gone. Then that entry goes, too.
TOLD_AFTER = timedelta(hours=1)


@dataclass(frozen=True)
class Traces:
    """The traces of calls and numbers that are known by their digests only."""

    call_digests: Collection[str]
    number_digests: Collection[str]

    def remove(self) -> dict[str, int]:
        """Remove them all. Return how many rows of each kind. May be repeated."""
        counts = {
            "webhook deliveries": self._remove(WebhookDelivery, "body", self._is_message),
            "rows of bulk actions": self._remove(BulkItem, "call_id", self._is_call),
            "saved views": self._remove(SavedView, "query", self._is_query),
            "filters of bulk actions": self._blank(BulkAction, "query", self._is_query),
            "released holds": self._blank(
                LegalHold, "number", self._is_number, LegalHold.objects.exclude(released_at=None)
            ),
        }
        self._remove(
            CallEvent,
            "data",
            self._is_deletion,
            CallEvent.objects.filter(call=None, type="call_deleted"),
        )
        self._forget()
        _compact()
        return {kind: count for kind, count in counts.items() if count}

    def _is_call(self, call_id: str) -> bool:
        return pseudonym(call_id) in self.call_digests

    def _is_number(self, text: str) -> bool:
        return bool(text) and pseudonym(normal_number(text)) in self.number_digests

    def _is_message(self, body: str) -> bool:
        data = json.loads(body).get("data", {})
        return self._is_call(str(data.get("call_id") or ""))

    def _is_deletion(self, data: dict[str, Any]) -> bool:
        # One of this erasure is still to be read by those who show the call.
        return data.get("reason") != REASON and self._is_call(str(data.get("deleted") or ""))

    def _is_query(self, query: str) -> bool:
        values = [value for _, value in parse_qsl(query.removeprefix("?"))]
        return any(self._is_number(value) or self._is_call(value) for value in values)

    def _remove(self, model: Any, field: str, is_ours: Any, rows: Any = None) -> int:
        found = 0
        for pks in _matching(model.objects.all() if rows is None else rows, field, is_ours):
            found += model.objects.filter(pk__in=pks).delete()[0]
        return found

    def _blank(self, model: Any, field: str, is_ours: Any, rows: Any = None) -> int:
        chosen = (model.objects.all() if rows is None else rows).exclude(**{field: ""})
        return sum(
            model.objects.filter(pk__in=pks).update(**{field: ""})
            for pks in _matching(chosen, field, is_ours)
        )

    def _forget(self) -> None:
        digests = sorted(self.call_digests)
        for start in range(0, len(digests), AT_ONCE // 2):
            AuditEntry.objects.forget_digests(digests[start : start + AT_ONCE // 2])


def _matching(rows: QuerySet[Any], field: str, is_ours: Any) -> Iterator[list[int]]:
    last = 0
    while some := list(rows.filter(pk__gt=last).order_by("pk").values_list("pk", field)[:AT_ONCE]):
        if pks := [pk for pk, value in some if is_ours(value)]:
            yield pks
        last = some[-1][0]


def _compact() -> None:
    """Make SQLite drop the words of deleted calls from its index, where they would linger."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO calls_fulltext (calls_fulltext) VALUES ('optimize')")


def remove_admin_log(call: Call) -> None:
    """Remove Django's own log of the call, in the transaction that deletes the call.

    It quotes notes and tags. The audit log keeps who changed what.
    """
    model: type[Model] = Call
    of_calls = ContentType.objects.get_for_model(model)
    LogEntry.objects.filter(content_type=of_calls, object_id=str(call.pk)).delete()


def remove_announcements() -> int:
    """Remove the events that told readers which calls were erased, once they had time to read."""
    old = CallEvent.objects.filter(
        call=None, type="call_deleted", data__reason=REASON, at__lt=timezone.now() - TOLD_AFTER
    )
    pks = list(old.values_list("pk", flat=True)[:AT_ONCE])
    return CallEvent.objects.filter(pk__in=pks).delete()[0] if pks else 0
