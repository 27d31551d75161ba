"""Reads live transcripts for all clients of this process: what changed, and the messages about it.

Everything here runs in the feed's thread.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import islice
from operator import or_
from typing import Any, TypeVar

from django.conf import settings
from django.db.models import BooleanField, ExpressionWrapper, Q
from django.db.models.functions import Now
from django.utils import timezone

from calls.analysis.live.documents import (
    heard_utterances,
    progress_document,
    utterance_document,
)
from calls.lifecycle import CallState
from calls.models import Call, LiveTranscription, LiveUtterance
from calls.visibility import EVERYTHING, Sight
from supervisor.live.batch import Batch, of_note

# SQLite allows 32,766 parameters in a statement.
_IDS = 5000
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the live transcript of a call has got. Without a transcript it has no revision."""

    call_pk: int
    call_id: str
    is_live: bool
    revision: int | None
    is_heard: bool
    swapped: bool

    @property
    def status(self) -> str:
        if not self.is_live:
            return "over"
        if self.is_heard:
            return "listening"
        return "off" if settings.LIVE_TRANSCRIPTION == "off" else "waiting"


@dataclass(frozen=True, slots=True)
class News:
    """A message to write: what is new of a call for clients that have the revision ``after``."""

    standing: Standing
    after: int
    revision: int


def read_standings(call_ids: Collection[str]) -> dict[str, Standing]:
    """Return those of the calls that exist."""
    leased = ExpressionWrapper(Q(live__lease_expires_at__gt=Now()), BooleanField())
    columns = ("pk", "call_id", "state", "live__revision", "leased", "speakers_swapped")
    found = {}
    for some in chunks(call_ids, _IDS):
        rows = Call.objects.filter(call_id__in=some).annotate(leased=leased).values_list(*columns)
        for pk, call_id, state, revision, is_leased, swapped in rows:
            is_live = state == CallState.IN_PROGRESS
            found[call_id] = Standing(pk, call_id, is_live, revision, bool(is_leased), swapped)
    return found


def find_known(call_ids: Collection[str], sight: Sight = EVERYTHING) -> set[str]:
    """Return the ids of those calls that exist and are in sight."""
    return set(
        sight.of(Call.objects.filter(call_id__in=call_ids)).values_list("call_id", flat=True)
    )


def write_news(news: Sequence[News]) -> list[Batch]:
    """Return a message for each piece of news, in the same order.

    SQLite allows expressions that are 1,000 deep, so pass news of fewer calls.
    """
    lowest: dict[int, int] = {}
    for each in news:
        pk = each.standing.call_pk
        lowest[pk] = min(lowest.get(pk, each.after), each.after)
    # Read before the utterances: a message may hold more than its revision promises, never less.
    rows = LiveTranscription.objects.defer("positions").in_bulk(lowest)
    said = _read_utterances(lowest)
    return [of_note(_message(each, rows, said)) for each in news]


def _read_utterances(after: dict[int, int]) -> dict[int, list[LiveUtterance]]:
    """Return the utterances of each call that are newer than a revision, in order."""
    found: dict[int, list[LiveUtterance]] = defaultdict(list)
    newer = reduce(or_, (Q(call=pk, revision__gt=revision) for pk, revision in after.items()))
    for utterance in heard_utterances().filter(newer):
        found[utterance.call_id].append(utterance)
    return found


def _message(
    news: News,
    rows: Mapping[int, LiveTranscription],
    said: Mapping[int, Sequence[LiveUtterance]],
) -> dict[str, Any]:
    pk, swapped = news.standing.call_pk, news.standing.swapped
    newer = (each for each in said.get(pk, ()) if each.revision > news.after)
    return {
        "type": "live_transcript",
        "call_id": news.standing.call_id,
        "revision": news.revision,
        "after": news.after,
        "status": news.standing.status,
        "utterances": [utterance_document(each, swapped=swapped) for each in newer],
        **progress_document(rows.get(pk, LiveTranscription()), swapped=swapped),
        "at": timezone.now().isoformat(),
    }


def chunks(items: Collection[Item], size: int) -> Iterator[list[Item]]:
    """Yield the items in lists of at most this size."""
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some
