"""The moments of alerts and notes: which turns of a transcript they are about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from calls.models import Alert, Note


def flag_turns(turns: Sequence[dict[str, Any]], alerts: Iterable[Alert]) -> None:
    """Give each turn that alerts are about the list of them as ``flags``."""
    for alert in alerts:
        turn = find_turn(turns, alert.offset_ms, alert.speaker)
        if turn is not None:
            turn.setdefault("flags", []).append(alert)


def comment_turns(turns: Sequence[dict[str, Any]], notes: Iterable[Note]) -> None:
    """Give each turn that notes are about the list of them as ``comments``."""
    for note in notes:
        turn = find_turn(turns, note.at_ms)
        if turn is not None:
            turn.setdefault("comments", []).append(note)


def find_turn(
    turns: Sequence[dict[str, Any]], at_ms: int | None, speaker: str = ""
) -> dict[str, Any] | None:
    """Return the last turn of this speaker, or of anybody, that has begun at this time."""
    if at_ms is None:
        return None
    begun = [
        turn for turn in turns if turn["begin_ms"] <= at_ms and speaker in ("", turn["speaker"])
    ]
    return max(begun, key=lambda turn: turn["begin_ms"], default=None)
