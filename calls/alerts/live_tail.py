"""Reads what is heard of live calls soon after its commit, without missing any.

Revisions become visible in order within a call. So the tail remembers the last revision of each
call and asks for the calls that have a newer one. After a restart it reads the live calls from
their beginning: the sources of alerts keep them from being raised twice.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from django.db.models import Count, Q

from calls.alerts.heard import HeardCall, HeardUtterance
from calls.analysis.media.roles import other_side
from calls.conversation import Speaker
from calls.lifecycle import CallState
from calls.models import LiveTranscription, LiveUtterance

# SQLite allows a condition of limited depth.
READ_LIMIT = 200
# Unchanged utterances that may join those that are new. Older ones, if they change, stand alone.
CONTEXT_MS = 60_000
_FIELDS = (
    "pk",
    "speaker",
    "begin_ms",
    "end_ms",
    "shown",
    "words",
    "score",
    "channel",
    "revision",
)


@dataclass(frozen=True)
class _State:
    """What decides whether a call must be looked at again."""

    revision: int
    swapped: bool


class _Changed(NamedTuple):
    call_pk: int
    state: _State
    queue: str
    is_live: bool
    heard_until_ms: int
    seen_revision: int


class LiveTail:
    """Remembers in memory what it has read. If its alerts cannot be raised, start a new one."""

    def __init__(self) -> None:
        self._seen: dict[int, _State] = {}

    def read(self) -> Iterator[HeardCall]:
        """Yield the live calls in which something changed."""
        yield from self._read(Q(call__state=CallState.IN_PROGRESS))

    def read_ended(self, call_pks: Collection[int]) -> Iterator[HeardCall]:
        """Yield those of the calls of which something was shown that has not been read."""
        if call_pks:
            yield from self._read(Q(call__in=call_pks))

    def forget(self, call_pks: Collection[int]) -> None:
        """Forget calls of which nothing more will be heard."""
        for call_pk in call_pks:
            self._seen.pop(call_pk, None)

    def _read(self, wanted: Q) -> Iterator[HeardCall]:
        changed = list(self._changed(wanted))
        for begin in range(0, len(changed), READ_LIMIT):
            some = changed[begin : begin + READ_LIMIT]
            yield from _heard(some)
            self._seen.update((each.call_pk, each.state) for each in some)

    def _changed(self, wanted: Q) -> Iterator[_Changed]:
        # Read before the utterances: a revision that is committed in between is read again.
        rows = LiveTranscription.objects.filter(wanted, revision__gt=0).values_list(
            "call_id",
            "revision",
            "call__speakers_swapped",
            "call__queue",
            "call__state",
            "heard_until_ms",
        )
        for call_pk, revision, swapped, queue, state, heard_until_ms in rows:
            current, seen = _State(revision, swapped), self._seen.get(call_pk)
            if current != seen:
                # With the sides exchanged, the words of before are those of the other side.
                known = seen.revision if seen and seen.swapped == swapped else 0
                is_live = state == CallState.IN_PROGRESS
                yield _Changed(call_pk, current, queue, is_live, heard_until_ms or 0, known)


def _heard(changed: Sequence[_Changed]) -> Iterator[HeardCall]:
    utterances, figures, judged = _utterances(changed), _figures(changed), _judged(changed)
    for each in changed:
        measured, heard_until_ms = figures.get(each.call_pk, ({}, None))
        yield HeardCall(
            each.call_pk,
            each.queue,
            each.state.revision,
            utterances.get(each.call_pk, []),
            measured,
            heard_until_ms,
            judged.get(each.call_pk, {}),
            each.state.swapped,
        )


def _utterances(changed: Sequence[_Changed]) -> dict[int, list[HeardUtterance]]:
    """Return the utterances that changed, and those around them, by call."""
    wanted = Q()
    for each in changed:
        recent = Q(end_ms__gte=each.heard_until_ms - CONTEXT_MS)
        wanted |= Q(call=each.call_pk) & (Q(revision__gt=each.seen_revision) | recent)
    calls = {each.call_pk: each for each in changed}
    # An utterance without words separates nothing.
    rows = LiveUtterance.objects.filter(wanted).exclude(text="").order_by("call_id")
    return {
        call_pk: [_utterance(calls[call_pk], *row) for _, *row in group]
        for call_pk, group in groupby(rows.values_list("call_id", *_FIELDS), itemgetter(0))
    }


def _utterance(
    call: _Changed,
    pk: int,
    speaker: Speaker,
    begin_ms: int,
    end_ms: int,
    shown: str | None,
    words: list[Any],
    score: float | None,
    channel: str,
    revision: int,
) -> HeardUtterance:
    return HeardUtterance(
        pk,
        other_side(speaker, swapped=call.state.swapped),
        begin_ms,
        end_ms,
        shown,
        words if shown else (),
        score,
        is_text=not channel,
        is_new=revision > call.seen_revision,
    )


def _figures(changed: Sequence[_Changed]) -> dict[int, tuple[dict[str, Any], int | None]]:
    """Return the figures of the calls that are live, with the time up to which they count."""
    live = [each.call_pk for each in changed if each.is_live]
    rows = LiveTranscription.objects.filter(call__in=live)
    return {
        call_pk: (figures or {}, heard_until_ms)
        for call_pk, figures, heard_until_ms in rows.values_list(
            "call_id", "figures", "heard_until_ms"
        )
    }


def _judged(changed: Sequence[_Changed]) -> dict[int, Counter[str]]:
    """Count the utterances of each side whose sentiment is known, by call."""
    swapped = {each.call_pk: each.state.swapped for each in changed if each.is_live}
    rows = LiveUtterance.objects.filter(call__in=swapped, score__isnull=False)
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    for call_pk, speaker, count in rows.values_list("call_id", "speaker", Count("pk")):
        counts[call_pk][other_side(speaker, swapped=swapped[call_pk])] += count
    return counts
