"""The text of a local summary: prose in the third person, or else quotes, labelled as such."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from calls.analysis.providers.local.reported import Reported
from calls.conversation import Speaker, SummaryKind

QUOTES_SHOWN = 3
_NAMES: dict[Speaker, str] = {"agent": "Agent", "customer": "Customer"}


@dataclass(frozen=True, slots=True)
class Said:
    """A chosen sentence: its place in the call, and its report if it can be rewritten."""

    place: float
    speaker: Speaker
    text: str
    reported: Reported | None = None


@dataclass(frozen=True, slots=True)
class Told:
    text: str
    kind: SummaryKind


def tell(sentences: Sequence[Said]) -> Told:
    """Return sentences that can be rewritten as prose, in the order of the call."""
    parts: list[str] = []
    before: Said | None = None
    for each in sorted(sentences, key=lambda one: one.place):
        if each.reported is None:
            continue
        text = each.reported.text
        goes_on = before is not None and before.speaker == each.speaker and _is_framed(before)
        if goes_on and each.reported.is_framed:
            text = text.replace(" says ", " adds that ", 1)
        parts.append(text)
        before = each
    return Told(" ".join(parts), "prose" if parts else "")


def quote(sentences: Sequence[Said]) -> Told:
    """Return sentences as they were said: Customer: “I want a refund.” Agent: “I will see.”"""
    ordered = sorted(sentences, key=lambda one: one.place)[:QUOTES_SHOWN]
    parts = [
        f"{_NAMES[speaker]}: “{' '.join(each.text for each in said)}”"
        for speaker, said in groupby(ordered, key=lambda one: one.speaker)
    ]
    return Told(" ".join(parts), "quotes" if parts else "")


def _is_framed(said: Said) -> bool:
    return said.reported is not None and said.reported.is_framed
