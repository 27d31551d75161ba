"""When the same side goes on: joining what was said into turns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from calls.analysis.conversation import Turn

JOIN_GAP_MS = 1500


def join_turns(turns: Iterable[Turn]) -> tuple[Turn, ...]:
    """Turns in order of begin; neighbours of one side less than 1.5 s apart become one."""
    joined: list[Turn] = []
    for turn in sorted(turns, key=lambda each: each.begin_ms):
        if joined and _goes_on(joined[-1], turn):
            joined[-1] = _one(joined[-1], turn)
        else:
            joined.append(turn)
    return tuple(joined)


def _goes_on(before: Turn, turn: Turn) -> bool:
    return before.speaker == turn.speaker and turn.begin_ms - before.end_ms < JOIN_GAP_MS


def _one(before: Turn, turn: Turn) -> Turn:
    return replace(
        before,
        end_ms=max(before.end_ms, turn.end_ms),
        text=f"{before.text} {turn.text}",
        words=before.words + turn.words,
    )
