"""Calls that hold what somebody looks for: newest first, by pages, and never all counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from django.db import connection
from django.db.models import F, QuerySet

from calls.models import Analysis, Call, FullText, Note
from calls.search.dialects import translate
from calls.search.hits import Excerpt, Hits, cut, find_hits
from calls.search.query import Node

COUNT_LIMIT = 1_000
HITS_SHOWN = 3
CALLS_AT_ONCE = 200
FEW = 1_000  # so many are sorted; more are looked for from the newest on

_READ = ("call_id", "turns", "summary", "keywords", "insights")


@dataclass(frozen=True, slots=True)
class Found:
    """A call, and where in it the words are; its summary instead if none were asked for."""

    call: Call
    hits: Hits | None
    summary: str = ""

    @property
    def opening(self) -> Excerpt:
        return cut(self.summary, ())


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the calls that were found. ``next`` is the key before which the others are."""

    found: list[Found]
    next: int | None


@dataclass(frozen=True)
class Search:
    """What is looked for, among which calls. Nothing is asked before it is needed."""

    calls: QuerySet[Call]
    node: Node | None

    @cached_property
    def matching(self) -> QuerySet[Call]:
        """The calls in which the words are, newest first.

        SQLite reads its index in that order. PostgreSQL reads one in no order, or the calls in
        theirs, and takes rare words for frequent ones; so it is told which of both is better.
        """
        if self.node is None:
            return self.calls.order_by("-pk")
        wanted = translate(self.node, vendor=connection.vendor)
        if connection.vendor == "postgresql":
            any_order = FullText.objects.filter(words__matches=wanted).values_list("pk", flat=True)
            few = list(any_order[: FEW + 1])
            if len(few) <= FEW:
                return self.calls.filter(pk__in=few).order_by("-pk")
        return self.calls.filter(full_text__words__matches=wanted).order_by("-full_text")

    def read_page(self, *, size: int, before: int | None = None, hits: int | None = None) -> Page:
        """Read up to ``size`` calls, each with its best hits, all of them unless told how many."""
        rows = self.matching
        if before is not None:
            key = str(rows.query.order_by[0]).removeprefix("-")
            rows = rows.filter(**{f"{key}__lt": before})
        found = list(rows[: size + 1])
        more, found = len(found) > size, found[:size]
        return Page(list(_described(found, self.node, hits)), found[-1].pk if more else None)

    def read_all(self) -> Iterator[list[Found]]:
        """Yield everything in blocks, with all hits, and with no cursor open in between."""
        before: int | None = None
        while True:
            page = self.read_page(size=CALLS_AT_ONCE, before=before)
            if page.found:
                yield page.found
            if page.next is None:
                return
            before = page.next

    def count(self, limit: int = COUNT_LIMIT) -> int:
        """Return how many calls there are; ``limit`` + 1 says that there are more."""
        return self.matching.order_by().values("pk")[: limit + 1].count()


def _described(rows: Iterable[Call], node: Node | None, limit: int | None) -> Iterator[Found]:
    """Read the analyses that the index speaks of, and the notes: one query for all of each."""
    rows = list(rows)
    newest = Analysis.objects.filter(call__in=rows, version=F("call__search_entry__version"))
    by_call = {analysis.call_id: analysis for analysis in newest.only(*_READ)}
    if node is None:
        for call in rows:
            analysis = by_call.get(call.pk)
            yield Found(call, None, analysis.summary if analysis else "")
        return
    notes: dict[int, list[Note]] = defaultdict(list)
    for note in Note.objects.filter(call__in=rows):
        notes[note.call_id].append(note)
    for call in rows:
        found = find_hits(by_call.get(call.pk), node, notes=notes[call.pk], limit=limit)
        yield Found(call, found)
