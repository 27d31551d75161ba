"""The turn that a link points to: ``?t=83.2``, in seconds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any


def mark_sought_turn(turns: Sequence[dict[str, Any]], text: str) -> None:
    """Mark the turn that is spoken at this time, or the last one before it. Ignore a bad time."""
    try:
        at_ms = float(text) * 1000
    except ValueError:
        return
    # float() reads "nan" and "inf" too, on which round() fails.
    if not math.isfinite(at_ms):
        return
    begun = [turn for turn in turns if turn["begin_ms"] <= round(at_ms)]
    if begun:
        # Several turns can start together. The link was made from the first of them.
        latest = max(turn["begin_ms"] for turn in begun)
        next(turn for turn in begun if turn["begin_ms"] == latest)["is_sought"] = True
