"""Making missing index entries: for calls older than the search, or indexed by older rules.

This runs in small transactions while the service is up. Each locks the rows of its calls, so that
an entry of a newer analysis is not overwritten by that of an older one.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from calls.models import Analysis, Call, Note, SearchEntry, Watch
from calls.search.index import (
    EDITION,
    INDEXED,
    NO_ANALYSIS,
    words_of,
    write_entries,
    write_notes,
)

CALLS_AT_ONCE = 50
# With the edition in its name, new rules start from the first call again.
WATCH = f"search {EDITION}"


@dataclass(frozen=True)
class Step:
    """The result of one transaction: the last call, how many were checked, and how many written."""

    position: int
    seen: int
    written: int


def catch_up(*, seconds: float) -> int:
    """Continue where the last sweep stopped, for a limited time. Returns the number of entries.

    Once the backlog is done, it only checks newer calls, which have entries already.
    """
    watch, _ = Watch.objects.get_or_create(name=WATCH)
    began_at, written = time.monotonic(), 0
    for step in steps(after=watch.position):
        # Never back: another worker may sweep at the same time and be further.
        Watch.objects.filter(name=WATCH, position__lt=step.position).update(position=step.position)
        written += step.written
        if time.monotonic() - began_at >= seconds:
            break
    return written


def steps(*, after: int = 0, rebuild: bool = False) -> Iterator[Step]:
    """Make missing entries of calls with keys above ``after``; with ``rebuild``, all of them.

    Sleeps after each step for as long as it took. SQLite has a single write lock without a queue,
    so other writers would otherwise rarely get it.
    """
    while True:
        begin = time.monotonic()
        chosen = list(findable(after=after).values_list("pk", flat=True)[:CALLS_AT_ONCE])
        if not chosen:
            return
        after = chosen[-1]
        yield Step(after, len(chosen), _index(chosen, rebuild=rebuild))
        time.sleep(min(1.0, time.monotonic() - begin))


def findable(*, after: int = 0) -> QuerySet[Call]:
    """Return calls with keys above ``after`` that have anything to index, in order."""
    is_analysed, is_noted = (
        Exists(model.objects.filter(call=OuterRef("pk"))) for model in (Analysis, Note)
    )
    return Call.objects.filter(is_analysed | is_noted, pk__gt=after).order_by("pk")


def _index(pks: list[int], *, rebuild: bool) -> int:
    entries = SearchEntry.objects.filter(call__in=pks, edition=EDITION)
    with transaction.atomic():
        # In the order of the keys, so that two of these cannot lock each other out.
        here = list(Call.objects.select_for_update().filter(pk__in=pks).order_by("pk"))
        known = {} if rebuild else dict(entries.values_list("call_id", "version"))
        versions = Analysis.objects.filter(call__in=here).order_by("version")
        newest = dict(versions.values_list("call_id", "pk"))
        columns = ("call_id", "version", *INDEXED)
        analyses = [
            analysis
            for analysis in Analysis.objects.filter(pk__in=newest.values()).only(*columns)
            if known.get(analysis.call_id) != analysis.version
        ]
        write_entries(analyses, {each.call_id: words_of(each) for each in analyses})
        noted = [c.pk for c in here if c.pk not in newest and known.get(c.pk) != NO_ANALYSIS]
        write_notes(noted)
    return len(analyses) + len(noted)
