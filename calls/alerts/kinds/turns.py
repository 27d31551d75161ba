"""Matches that quote a turn of an analysis or what was heard of a live call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from calls.alerts.kinds.base import ReadyRule
from calls.alerts.live.heard import HeardCall, HeardUtterance
from calls.alerts.matches import LIVE_SOURCE, AlertMatch
from calls.alerts.phrases import excerpt
from calls.models import Analysis, Call


def turns_for(rule: ReadyRule, analysis: Analysis) -> Iterator[dict[str, Any]]:
    """Yield the turns of the speaker that the rule names, or all turns if it names none."""
    for turn in analysis.turns:
        if rule.row.speaker in ("", turn["speaker"]):
            yield turn


def quote_live(
    rule: ReadyRule,
    heard: HeardCall,
    said: Sequence[HeardUtterance],
    found: str,
    *,
    begin_ms: int | None = None,
) -> AlertMatch:
    """Quote utterances of one side that follow each other."""
    first = said[0]
    return AlertMatch(
        rule.row,
        heard.pk,
        found,
        source=f"{LIVE_SOURCE}{first.pk}",
        quote=excerpt(" ".join(each.shown or "" for each in said), rule.expression),
        speaker=first.speaker,
        offset_ms=first.begin_ms if begin_ms is None else begin_ms,
        end_ms=said[-1].end_ms,
    )


def quote_turn(rule: ReadyRule, call: Call, turn: dict[str, Any], found: str) -> AlertMatch:
    return AlertMatch(
        rule.row,
        call.pk,
        found,
        source=f"turn:{turn['begin_ms']}:{turn['speaker']}",
        quote=excerpt(turn["text"], rule.expression),
        speaker=turn["speaker"],
        offset_ms=max(0, int(turn["begin_ms"])),
        end_ms=turn.get("end_ms"),
        found_after_call=True,
    )
