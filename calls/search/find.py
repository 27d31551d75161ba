"""Calls that hold what somebody looks for: newest first, a page at a time, and never all counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.db import connection
from django.db.models import F, QuerySet

from calls.models import Analysis, Call
from calls.search.dialects import translate
from calls.search.hits import Excerpt, Hits, find_hits, opening
from calls.search.query import Node

COUNT_LIMIT = 10_000
HITS_SHOWN = 3
CALLS_AT_ONCE = 200

_READ = ("call_id", "turns", "summary", "keywords", "insights")


@dataclass(frozen=True, slots=True)
class Found:
    """A call, and where in it the words are; only the begin of its summary if none were asked."""

    call: Call
    hits: Hits | None
    opening: Excerpt | None


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the calls that were found. ``next`` is the key before which the others are."""

    found: list[Found]
    next: int | None


def matching(calls: QuerySet[Call], node: Node | None) -> QuerySet[Call]:
    """Return the calls in which the words are, newest first. The index is read in that order."""
    if node is None:
        return calls.order_by("-pk")
    wanted = translate(node, vendor=connection.vendor)
    return calls.filter(full_text__words__matches=wanted).order_by("-full_text")


def _behind(calls: QuerySet[Call], node: Node | None, before: int | None) -> QuerySet[Call]:
    if before is None:
        return calls
    return calls.filter(**{"pk__lt" if node is None else "full_text__lt": before})


def read_page(
    calls: QuerySet[Call],
    node: Node | None,
    *,
    size: int,
    before: int | None = None,
    hits: int | None = HITS_SHOWN,
) -> Page:
    """Read up to ``size`` calls, each with its best hits."""
    rows = list(_behind(matching(calls, node), node, before)[: size + 1])
    more, rows = len(rows) > size, rows[:size]
    return Page(list(_described(rows, node, hits)), rows[-1].pk if more else None)


def read_all(calls: QuerySet[Call], node: Node | None) -> Iterator[list[Found]]:
    """Yield everything that is found, in blocks, each with all its hits and no cursor in between."""
    before: int | None = None
    while True:
        page = read_page(calls, node, size=CALLS_AT_ONCE, before=before, hits=None)
        if page.found:
            yield page.found
        if page.next is None:
            return
        before = page.next


def count_up_to(calls: QuerySet[Call], node: Node | None, limit: int = COUNT_LIMIT) -> int:
    """Return how many calls there are; ``limit`` + 1 says that there are more."""
    return matching(calls, node).order_by().values("pk")[: limit + 1].count()


def _described(rows: Iterable[Call], node: Node | None, limit: int | None) -> Iterator[Found]:
    """Read the analyses that the index speaks of: one query for all of them."""
    rows = list(rows)
    newest = Analysis.objects.filter(call__in=rows, version=F("call__search_entry__version"))
    by_call = {analysis.call_id: analysis for analysis in newest.only(*_READ)}
    for call in rows:
        analysis = by_call.get(call.pk)
        if analysis is None:
            yield Found(call, Hits([], 0) if node else None, None)
        elif node is None:
            yield Found(call, None, opening(analysis))
        else:
            yield Found(call, find_hits(analysis, node, limit=limit), None)
