"""Finds what a recogniser has most likely invented: loops, and words where nobody speaks."""

from __future__ import annotations

import re
import zlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Protocol, TypeVar

from calls.conversation import Span

LOOP = 8  # the same sentence so often in a row is a loop
MARGIN_MS = 1_000  # by how much a recogniser's times may be off
# What Whisper has learned from subtitles, and writes into silence.
_SUBTITLES = re.compile(
    r"(?:thank(?:s| you)(?: so much| very much)? for (?:watching|listening)"
    r"|(?:please )?(?:like and )?subscribe(?: to (?:my|the|our) channel)?"
    r"|see you (?:in the )?next (?:time|video)"
    r"|subtitles? by .{0,60}|.{0,30}\bamara\.org\b.{0,30}"
    r"|untertitel(?:ung)? .{0,60}|sous-titr.{0,60}|\[?music\]?|\u266a+)\W*",
    re.IGNORECASE,
)
_SIGNS = re.compile(r"\W+")


class Passage(Protocol):
    """Words with their place in the call."""

    @property
    def begin_ms(self) -> int: ...
    @property
    def end_ms(self) -> int: ...
    @property
    def text(self) -> str: ...


P = TypeVar("P", bound=Passage)


def compression_ratio(text: str) -> float:
    """Return how far a text can be compressed, as Whisper measures it: loops can be very far."""
    content = text.encode("utf-8", "replace")
    return len(content) / len(zlib.compress(content))


def drop_loops(passages: Sequence[P]) -> Iterator[P]:
    """Yield the passages. Of one that is repeated LOOP times in a row, only the first."""
    for _, group in groupby(passages, lambda each: _SIGNS.sub(" ", each.text.casefold()).strip()):
        same = list(group)
        yield from same[:1] if len(same) >= LOOP else same


def is_subtitle(passage: Passage) -> bool:
    """Return whether the words are of the kind that Whisper writes into silence."""
    return _SUBTITLES.fullmatch(passage.text.strip()) is not None


def is_in_silence(passage: Passage, speech: Sequence[Span]) -> bool:
    """Return whether nobody speaks anywhere near the passage. ``speech`` is in order."""
    begin_ms, end_ms = passage.begin_ms - MARGIN_MS, passage.end_ms + MARGIN_MS
    later = bisect_right(speech, begin_ms, key=attrgetter("end_ms"))
    return later == len(speech) or speech[later].begin_ms >= end_ms
