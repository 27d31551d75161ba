"""The live words of a finished call, as stored: loaded and checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from calls.analysis.live.audio.channel import LiveUtterance as Heard
from calls.analysis.live.reuse.placing import Known
from calls.analysis.media.roles import other_side
from calls.analysis.recording.files import is_pruned
from calls.conversation import SPEAKERS, Speaker, Word
from calls.models import Call, CallEvent, LiveTranscription, LiveUtterance
from calls.services import LATE_PACKETS

_LENGTH_MS = 3  # rounding of both ends
_FIELDS = (
    *("channel", "number", "speaker", "begin_ms", "end_ms", "text", "words"),
    *("rate", "length", "checksum", "needle_at", "needle", "gap_checksum"),
    "provisional",
)


def fingerprint_fields(heard: Heard) -> dict[str, Any]:
    """Return the fields of the LiveUtterance row that find this utterance in the recording."""
    found = heard.fingerprint
    return {
        "rate": heard.rate,
        "length": found.length,
        "checksum": found.checksum,
        "needle_at": found.needle_at,
        "needle": found.needle,
        "gap_checksum": found.gap_checksum,
    }


def may_reuse(call: Call, *, model: str, language: str) -> bool:
    """Whether the live words of this call are those that would be recognised now.

    If a person has a call analysed again, it should be recognised again. With late packets,
    everything that they did not change can be reused.
    """
    if call.media_override or is_pruned(call.pk):
        return False
    row = LiveTranscription.objects.filter(call=call.pk).values_list("model", "language").first()
    if row != (model, language):
        return False
    return not call.transcripts.exists() or _began_late(call)


def _began_late(call: Call) -> bool:
    """Whether late packets, not a person, began the present round."""
    begun = CallEvent.objects.filter(call=call.pk, type="state_change", data__reason__gt="")
    newest = begun.order_by("-id").values_list("data", flat=True).first()
    return bool(newest and newest.get("by") == LATE_PACKETS)


def load_known(call: Call, *, rates: Mapping[Speaker, int]) -> dict[Speaker, list[Known]]:
    """Return the utterances of each side of the finished call. Damaged rows are left out.

    ``rates`` are those of its channels: audio at another rate has other samples.
    """
    rows = LiveUtterance.objects.filter(call=call.pk, rate__gt=0).only(*_FIELDS)
    return known_of(rows, rates=rates, swapped=call.speakers_swapped)


def known_of(
    rows: Iterable[LiveUtterance], *, rates: Mapping[Speaker, int], swapped: bool
) -> dict[Speaker, list[Known]]:
    found: dict[Speaker, list[Known]] = {who: [] for who in rates}
    for row in rows:
        who = _speaker(row, swapped=swapped)
        if who is not None and row.rate == rates.get(who):
            found[who] += _known(row)
    return found


def _speaker(row: LiveUtterance, *, swapped: bool) -> Speaker | None:
    own = next((who for who in SPEAKERS if who == row.speaker), None)
    return other_side(own, swapped=swapped) if own else None


def _known(row: LiveUtterance) -> Iterator[Known]:
    needle, words = bytes(row.needle), _words(row.words)
    spoken_ms = row.length * 1000 / row.rate
    is_whole = (
        words is not None
        and bool(row.text.strip()) >= bool(words)
        and needle
        and len(needle) % 2 == 0
        and row.needle_at + len(needle) // 2 <= row.length
        and abs(row.end_ms - row.begin_ms - spoken_ms) <= _LENGTH_MS
    )
    if is_whole:
        yield Known(
            row.channel, row.number, row.begin_ms, row.text.strip(), words or (), row.length,
            row.checksum, row.needle_at, needle, row.gap_checksum, row.provisional,
        )  # fmt: skip


def _words(stored: Any) -> tuple[Word, ...] | None:
    """Return stored words, None if they are damaged."""
    try:
        words = tuple(Word(int(begin), int(end), str(text)) for begin, end, text in stored)
    except (TypeError, ValueError, OverflowError):
        return None
    return words if all(0 <= word.begin_ms <= word.end_ms for word in words) else None
