"""Compares the analysis of a call with a written script of what was said."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.rig.report import Bar
from benchmarks.speech.wording import normalised
from calls.conversation import SPEAKERS

BOUNDARY_MS = 500
# A removed item may leave this many digits of a number or letters of an address.
LEAST_LEFT = 3
_PLACEHOLDER = re.compile(r"\[[A-Z_]+\]")
Document = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Score:
    """One call. Shares and rates are between 0 and 1.

    ``begin_ms`` and ``end_ms`` say how late each found turn starts and ends; negative: early.
    """

    name: str
    word_error_rate: float
    turns: int
    turns_found: int
    begin_ms: tuple[int, ...]
    end_ms: tuple[int, ...]
    talk_off: dict[str, float]
    sentiment: str
    sentiment_truth: str
    trend: str
    trend_truth: str
    planted: int
    redacted: int
    false_positives: int

    @property
    def in_time(self) -> int:
        """Return the turns that start and end within BOUNDARY_MS of the truth."""
        edges = zip(self.begin_ms, self.end_ms, strict=True)
        return sum(max(abs(begin), abs(end)) <= BOUNDARY_MS for begin, end in edges)

    @property
    def off_ms(self) -> list[int]:
        """Return the errors of all turns' starts and ends, smallest first."""
        return sorted(map(abs, self.begin_ms + self.end_ms))


def judge_call(truth: Document, document: Document) -> Score:
    """Compare a transcript document (see ``results``) with the script of its recording.

    Its ``heard`` holds the turns before redaction. Wrong words are counted in these.
    """
    said: Sequence[Document] = truth["turns"]
    heard: Sequence[Document] = document.get("heard") or document["turns"]
    pairs = [(turn, found) for turn in said if (found := _counterpart(turn, heard))]
    sentiment = document["sentiment"]
    redacted, false_positives = judge_redactions(truth, document)
    return Score(
        name=truth["id"],
        word_error_rate=word_error_rate(said, heard),
        turns=len(said),
        turns_found=len(heard),
        begin_ms=tuple(found["begin_ms"] - turn["begin_ms"] for turn, found in pairs),
        end_ms=tuple(found["end_ms"] - turn["end_ms"] for turn, found in pairs),
        talk_off={who: _talk_off(who, said, document) for who in SPEAKERS},
        sentiment=sentiment["overall"].get("customer", {}).get("label", ""),
        sentiment_truth=truth["sentiment"],
        trend=sentiment["trend"].get("customer", ""),
        trend_truth=truth["trend"],
        planted=len(truth["personal"]),
        redacted=redacted,
        false_positives=false_positives,
    )


def word_error_rate(said: Sequence[Document], heard: Sequence[Document]) -> float:
    """Return wrong, missing and invented words per spoken word, over both speakers."""
    import jiwer

    sides = [
        " ".join(turn["text"] for who in SPEAKERS for turn in turns if turn["speaker"] == who)
        for turns in (said, heard)
    ]
    return float(jiwer.wer(normalised(sides[0]), normalised(sides[1])))


def _counterpart(turn: Document, heard: Sequence[Document]) -> Document | None:
    """Return the same speaker's turn that overlaps this one most, or None."""
    own = [found for found in heard if found["speaker"] == turn["speaker"]]
    best = max(own, key=lambda found: _overlap(turn, found), default=None)
    return best if best and _overlap(turn, best) > 0 else None


def _overlap(one: Document, other: Document) -> int:
    begin, end = max(one["begin_ms"], other["begin_ms"]), min(one["end_ms"], other["end_ms"])
    return int(end - begin)


def _talk_off(who: str, said: Sequence[Document], document: Document) -> float:
    """Return by what share the talk time of a speaker is too long, or too short if negative."""
    spoken = sum(turn["end_ms"] - turn["begin_ms"] for turn in said if turn["speaker"] == who)
    measured = document["talk"].get(who, {}).get("total_ms", 0)
    return float(measured / spoken - 1)


def judge_redactions(truth: Document, document: Document) -> tuple[int, int]:
    """Return how many planted items are redacted, and how many redactions are needless."""
    planted = [(truth["turns"][item["turn"]], item["text"]) for item in truth["personal"]]
    gone = sum(_is_gone(turn, text, document) for turn, text in planted)
    needless = [
        item
        for item in document["redactions"]
        if not any(_overlap(turn, item) > 0 for turn, _ in planted)
    ]
    return gone, len(needless)


def _is_gone(turn: Document, text: str, document: Document) -> bool:
    """Return whether the turn has a placeholder and the identifying parts of the item are gone."""
    shown = _counterpart(turn, document["turns"])
    if shown is None or not _PLACEHOLDER.search(shown["text"]):
        return False
    left = "".join(normalised(shown["text"]).split())
    return not any(part in left for part in telling(text))


def telling(text: str) -> list[str]:
    """Return every run of three digits in an item, and its words of four or more letters."""
    plain = normalised(text)
    runs = re.findall(r"\d{3,}", "".join(plain.split()))
    digits = [run[at : at + LEAST_LEFT] for run in runs for at in range(len(run) - LEAST_LEFT + 1)]
    return digits + [word for word in plain.split() if len(word) > LEAST_LEFT and word.isalpha()]


def compare(scores: Sequence[Score]) -> list[Bar]:
    """Compare all calls together with the bars for accuracy."""
    turns = sum(score.turns for score in scores)
    rates = [score.word_error_rate for score in scores]
    talk = [abs(off) for score in scores for off in score.talk_off.values()]
    return [
        Bar(name="word error rate, worst call", value=100 * max(rates), limit=20,
            is_upper=True, unit="%"),
        Bar(name="word error rate, average", value=100 * sum(rates) / len(rates), limit=12,
            is_upper=True, unit="%"),
        Bar(name="turns that start and end within 500 ms of the truth",
            value=100 * sum(score.in_time for score in scores) / turns, limit=90, unit="%"),
        Bar(name="greatest error of a speaker's talk time", value=100 * max(talk), limit=10,
            is_upper=True, unit="%"),
        Bar(name="correct trends of the customer",
            value=sum(score.trend == score.trend_truth for score in scores) * 6 / len(scores),
            limit=4, unit="of 6"),
        Bar(name="personal items left", value=sum(s.planted - s.redacted for s in scores),
            limit=1, is_upper=True, unit="items"),
        Bar(name="needless redactions in a call", value=max(s.false_positives for s in scores),
            limit=2, is_upper=True, unit="pieces"),
    ]  # fmt: skip
