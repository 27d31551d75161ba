"""The turns of an analysis that a rule reads, and matches that quote them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from calls.alerts.kinds.base import ReadyRule
from calls.alerts.matches import AlertMatch
from calls.alerts.phrases import excerpt
from calls.models import Analysis, Call


def turns_for(rule: ReadyRule, analysis: Analysis) -> Iterator[dict[str, Any]]:
    """Yield the turns of the speaker that the rule names, or all turns if it names none."""
    for turn in analysis.turns:
        if rule.row.speaker in ("", turn["speaker"]):
            yield turn


def quote_turn(rule: ReadyRule, call: Call, turn: dict[str, Any], found: str) -> AlertMatch:
    return AlertMatch(
        rule.row,
        call.pk,
        found,
        source=f"turn:{turn['begin_ms']}:{turn['speaker']}",
        quote=excerpt(turn["text"], rule.expression),
        speaker=turn["speaker"],
        offset_ms=max(0, int(turn["begin_ms"])),
        found_after_call=True,
    )
