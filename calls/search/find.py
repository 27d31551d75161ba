"""Finding calls, newest first, page by page. The full number is never counted."""

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
FEW = 1_000  # up to this many matches are sorted; for more, scan from the newest call

_READ = ("call_id", "turns", "summary", "keywords", "insights")


@dataclass(frozen=True, slots=True)
class Found:
    """A found call with its hits, or with its summary if the query has no words."""

    call: Call
    hits: Hits | None
    summary: str = ""

    @property
    def opening(self) -> Excerpt:
        return cut(self.summary, ())


@dataclass(frozen=True, slots=True)
class ResultPage:
    """A page of found calls. ``next`` is the key before which the next page starts."""

    found: list[Found]
    next: int | None


@dataclass(frozen=True)
class Search:
    """A query and the calls to search. Lazy: it runs no database query until it is read."""

    calls: QuerySet[Call]
    node: Node | None

    @cached_property
    def matching(self) -> QuerySet[Call]:
        """Return the matching calls, newest first.

        SQLite reads its index in that order. PostgreSQL either reads the index and sorts, or scans
        the calls in order. Its planner takes rare words for frequent ones, so we choose for it.
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

    def read_page(
        self, *, size: int, before: int | None = None, hits: int | None = None
    ) -> ResultPage:
        """Read up to ``size`` calls, each with its best hits, or all hits without a limit."""
        rows = self.matching
        if before is not None:
            rows = rows.filter(**{f"{self._key}__lt": before})
        found = list(rows[: size + 1])
        more, found = len(found) > size, found[:size]
        return ResultPage(list(_described(found, self.node, hits)), found[-1].pk if more else None)

    @property
    def _key(self) -> str:
        # That of the order: with another one, the index could not be read in order.
        return str(self.matching.query.order_by[0]).removeprefix("-")

    def beside(self, call: Call) -> tuple[Call | None, Call | None]:
        """Return the calls before and after this one in the results, newest first."""
        newer = self.matching.filter(**{f"{self._key}__gt": call.pk}).reverse()
        older = self.matching.filter(**{f"{self._key}__lt": call.pk})
        return newer.first(), older.first()

    def read_all(self) -> Iterator[list[Found]]:
        """Yield all calls with all hits, in blocks. No cursor stays open between blocks."""
        before: int | None = None
        while True:
            page = self.read_page(size=CALLS_AT_ONCE, before=before)
            if page.found:
                yield page.found
            if page.next is None:
                return
            before = page.next

    def count(self, limit: int = COUNT_LIMIT) -> int:
        """Count the calls, at most up to ``limit`` + 1, which means "more than ``limit``"."""
        return self.matching.order_by().values("pk")[: limit + 1].count()


def _described(rows: Iterable[Call], node: Node | None, limit: int | None) -> Iterator[Found]:
    """Read the indexed analyses and the notes of the calls, with one query for each."""
    rows = list(rows)
    # The analysis that the index knows. A newer one may not be indexed yet, and would show no hits.
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
