"""Reads the words of live calls soon after their commit, without missing any.

Revisions become visible in order within a call. So the tail remembers the last revision of each
call and asks for the calls that have a newer one. After a restart it reads the live calls from
their beginning: the sources of alerts keep them from being raised twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from django.db.models import Count, Max, Q
from django.utils import timezone

from calls.alerts.live.heard import CallFacts, HeardCall, HeardUtterance, Progress
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
_FACTS = tuple(f"call__{name}" for name in CallFacts._fields if name != "read_at")


@dataclass(frozen=True)
class _State:
    """What decides whether a call must be looked at again."""

    revision: int
    swapped: bool
    # It grows without a revision while nobody speaks.
    heard_until_ms: int | None


class _Changed(NamedTuple):
    call_pk: int
    state: _State
    facts: CallFacts
    is_live: bool
    seen_revision: int


class LiveTail:
    """Remembers in memory what it has read. If its alerts cannot be raised, start a new one."""

    def __init__(self) -> None:
        self._seen: dict[int, _State] = {}
        # All utterances of the calls for which a rule asked, by key, kept up to date.
        self._whole: dict[int, dict[int, HeardUtterance]] = {}

    def read(self) -> Iterator[HeardCall]:
        """Yield the live calls in which something changed."""
        yield from self._read(Q(call__state=CallState.IN_PROGRESS))

    def read_ended(self, call_pks: Collection[int]) -> Iterator[HeardCall]:
        """Yield those of the calls of which something was shown that has not been read."""
        if call_pks:
            yield from self._read(Q(call__in=call_pks))

    def read_known(self, call_pks: Collection[int]) -> Iterator[HeardCall]:
        """Yield what was heard so far of those of the calls that are live, as nothing new."""
        wanted = Q(call__in=call_pks, call__state=CallState.IN_PROGRESS)
        calls = list(self._changed(wanted)) if call_pks else []
        for begin in range(0, len(calls), READ_LIMIT):
            some = calls[begin : begin + READ_LIMIT]
            yield from self._heard(
                [each._replace(seen_revision=each.state.revision) for each in some]
            )

    def forget(self, call_pks: Collection[int]) -> None:
        """Forget calls that will have no more live words."""
        for call_pk in call_pks:
            self._seen.pop(call_pk, None)
            self._whole.pop(call_pk, None)

    def _read(self, wanted: Q) -> Iterator[HeardCall]:
        changed = list(self._changed(wanted))
        for begin in range(0, len(changed), READ_LIMIT):
            some = changed[begin : begin + READ_LIMIT]
            yield from self._heard(some)
            self._seen.update((each.call_pk, each.state) for each in some)

    def _changed(self, wanted: Q) -> Iterator[_Changed]:
        # Read before the utterances: a revision that is committed in between is read again.
        rows = LiveTranscription.objects.filter(wanted).values_list(
            "call_id",
            "revision",
            "call__speakers_swapped",
            "call__state",
            "heard_until_ms",
            *_FACTS,
        )
        now = timezone.now()
        for call_pk, revision, swapped, state, heard_until_ms, *facts in rows:
            current = _State(revision, swapped, heard_until_ms)
            seen = self._seen.get(call_pk)
            if current != seen:
                # The sides were swapped: earlier words belong to the other side now.
                known = seen.revision if seen and seen.swapped == swapped else 0
                is_live = state == CallState.IN_PROGRESS
                yield _Changed(call_pk, current, CallFacts._make([*facts, now]), is_live, known)

    def _heard(self, changed: Sequence[_Changed]) -> Iterator[HeardCall]:
        utterances, progress, sides = _utterances(changed), _progress(changed), _sides(changed)
        for each in changed:
            said = sides.get(each.call_pk, {})
            new = utterances.get(each.call_pk, [])
            if each.call_pk in self._whole:
                self._whole[each.call_pk].update(_by_key(new))
            yield HeardCall(
                each.call_pk,
                each.facts,
                each.state.revision,
                new,
                progress.get(each.call_pk),
                {who: side.judged for who, side in said.items()},
                max((side.end_ms for side in said.values()), default=0),
                each.state.swapped,
                load=partial(self._load, each),
            )

    def _load(self, call: _Changed) -> Sequence[HeardUtterance]:
        """Return all utterances of a call. They are read once, and then kept."""
        if call.call_pk not in self._whole:
            found = _read_utterances([call], Q(call=call.call_pk))
            self._whole[call.call_pk] = _by_key(found.get(call.call_pk, []))
        # Those of one moment in the order in which they were stored, as everywhere.
        whole = sorted(self._whole[call.call_pk].items())
        return sorted((each for _, each in whole), key=lambda each: each.begin_ms)


def _by_key(utterances: Sequence[HeardUtterance]) -> dict[int, HeardUtterance]:
    # Without the times of words, which take ten times the memory of the words.
    return {each.pk: each._replace(words=()) for each in utterances}


def _utterances(changed: Sequence[_Changed]) -> dict[int, list[HeardUtterance]]:
    """Return the utterances that changed, and those around them, by call."""
    wanted = Q()
    for each in changed:
        recent = Q(end_ms__gte=(each.state.heard_until_ms or 0) - CONTEXT_MS)
        wanted |= Q(call=each.call_pk) & (Q(revision__gt=each.seen_revision) | recent)
    return _read_utterances(changed, wanted)


def _read_utterances(changed: Sequence[_Changed], wanted: Q) -> dict[int, list[HeardUtterance]]:
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


def _progress(changed: Sequence[_Changed]) -> dict[int, Progress]:
    live = [each.call_pk for each in changed if each.is_live]
    rows = LiveTranscription.objects.filter(call__in=live)
    fields = ("call_id", "heard_until_ms", "skipped", "figures")
    return {call_pk: Progress(*told) for call_pk, *told in rows.values_list(*fields)}


class _Side(NamedTuple):
    judged: int
    end_ms: int


def _sides(changed: Sequence[_Changed]) -> dict[int, dict[Speaker, _Side]]:
    """Return by call how many utterances of each side were judged, and when the last one ended."""
    swapped = {each.call_pk: each.state.swapped for each in changed if each.is_live}
    rows = LiveUtterance.objects.filter(call__in=swapped).exclude(text="")
    found: dict[int, dict[Speaker, _Side]] = defaultdict(dict)
    by_side = rows.values_list("call_id", "speaker").annotate(Count("score"), Max("end_ms"))
    for call_pk, who, *side in by_side:
        found[call_pk][other_side(who, swapped=swapped[call_pk])] = _Side(*side)
    return found
