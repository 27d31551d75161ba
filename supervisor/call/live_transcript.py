"""The live transcript of a call that is in progress or waits for its final one, as turns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, get_args

from django.conf import settings

from calls.analysis.live.documents import heard_utterances, utterance_document
from calls.analysis.media.roles import swap_keys
from calls.conversation import JOIN_GAP_MS, SPEAKERS
from calls.models import Call, LiveTranscription
from calls.redaction.kinds import Kind
from supervisor.call.live_figures import LiveFigures
from supervisor.call.speaker_timeline import Bar, bars_of
from supervisor.templatetags.look import BEHIND_FROM_S


@dataclass(frozen=True)
class LiveTranscript:
    """The utterances of a call, and the status of its live transcription.

    ``status`` is ``listening``, ``waiting``, ``off``, or ``over`` once the call is over. ``others``
    is the number of calls that are being transcribed while this one waits.
    """

    status: str
    utterances: list[dict[str, Any]]
    row: LiveTranscription
    others: int
    swapped: bool

    @property
    def kinds(self) -> str:
        """The kinds of personal data, whose marks the script turns into chips."""
        return " ".join(get_args(Kind))

    @property
    def is_shown(self) -> bool:
        return self.status in ("listening", "waiting") or bool(self.utterances)

    @property
    def status_text(self) -> str:
        # The same text as in live.js.
        if self.status == "off":
            return "Live transcription is off"
        if self.status == "over":
            return "The call has ended"
        if self.status == "waiting" and self.others:
            calls = "calls are" if self.others > 1 else "call is"
            return f"Waiting: {self.others} other {calls} being transcribed"
        if self.status == "waiting":
            return "Waiting for a worker"
        behind = self.row.behind_s >= BEHIND_FROM_S
        return f"Transcribing, {self.row.behind_s:.0f} s behind" if behind else "Transcribing"

    @cached_property
    def turns(self) -> list[dict[str, Any]]:
        return join_utterances(self.utterances)

    @property
    def entries(self) -> list[dict[str, Any]]:
        """The turns, and the spans that were skipped, in the order of the call."""
        skipped = [
            {"is_skipped": True, "begin_ms": begin, "end_ms": end}
            for begin, end in self.row.skipped
        ]
        return sorted([*self.turns, *skipped], key=lambda each: each["begin_ms"])

    @property
    def blank(self) -> dict[str, Any]:
        """A turn without words, which the script fills in."""
        return {"speaker": "agent", "begin_ms": 0, "end_ms": 0, "utterances": []}

    @property
    def figures(self) -> LiveFigures:
        return LiveFigures(self._sided(self.row.figures), heard_ms=self.row.heard_until_ms or 0)

    @property
    def partial(self) -> dict[str, str]:
        if self.status != "listening":
            return {}
        return {side: text for side, text in self._sided(self.row.partial).items() if text}

    def _sided(self, found: dict[str, Any]) -> Any:
        return swap_keys(found) if self.swapped else found

    @property
    def reach_ms(self) -> int:
        """The end of the strip that shows who speaks when. At least 1, because it is a divisor."""
        ends: list[int] = [each["end_ms"] for each in self.utterances]
        return max(1, self.row.heard_until_ms or 0, *ends)

    @property
    def strip(self) -> dict[str, list[Bar]]:
        return {
            side: bars_of((one for one in self.utterances if one["speaker"] == side), self.reach_ms)
            for side in SPEAKERS
        }

    @property
    def skipped_bars(self) -> list[Bar]:
        spans = [{"begin_ms": begin, "end_ms": end} for begin, end in self.row.skipped]
        return bars_of(spans, self.reach_ms)


def read_live_transcript(call: Call, *, now: datetime) -> LiveTranscript:
    row = getattr(call, "live", None) or LiveTranscription(call=call)
    status = _status(call, row, now)
    return LiveTranscript(
        status=status,
        utterances=_utterances(call),
        row=row,
        others=_heard(now) if status == "waiting" else 0,
        swapped=call.speakers_swapped,
    )


def _status(call: Call, row: LiveTranscription, now: datetime) -> str:
    if not call.is_live:
        return "over"
    if settings.LIVE_TRANSCRIPTION == "off":
        return "off"
    return "listening" if row.lease_expires_at and row.lease_expires_at > now else "waiting"


def _heard(now: datetime) -> int:
    return LiveTranscription.objects.filter(lease_expires_at__gt=now).count()


def _utterances(call: Call) -> list[dict[str, Any]]:
    swapped = call.speakers_swapped
    heard = heard_utterances().filter(call=call)
    return [utterance_document(each, swapped=swapped) for each in heard]


def join_utterances(utterances: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Join neighbours of one side, as the transcript does. They are in the order of the call."""
    turns: list[dict[str, Any]] = []
    for each in utterances:
        if turns and _goes_on(turns[-1], each):
            turns[-1]["utterances"].append(each)
            turns[-1]["end_ms"] = max(turns[-1]["end_ms"], each["end_ms"])
        else:
            turns.append({**each, "utterances": [each]})
    for turn in turns:
        _sum_up(turn)
    return turns


def _goes_on(turn: dict[str, Any], each: dict[str, Any]) -> bool:
    is_near = each["begin_ms"] - turn["end_ms"] < JOIN_GAP_MS
    return is_near and bool(turn["speaker"] == each["speaker"])


def _sum_up(turn: dict[str, Any]) -> None:
    # The strongest sentiment of a turn: a calm first half does not hide an angry second one.
    scored = [each for each in turn["utterances"] if each["score"] is not None]
    strongest: dict[str, Any] = max(scored, key=lambda each: abs(each["score"]), default={})
    turn["sentiment"], turn["score"] = strongest.get("sentiment"), strongest.get("score")
    # live.js compares it, and leaves unchanged turns alone.
    turn["print"] = " ".join(f"{each['id']}.{each['revision']}" for each in turn["utterances"])
