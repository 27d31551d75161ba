"""The moment of a call that an address asks for: ``?t=83.2``, in seconds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any


def mark_moment(turns: Sequence[dict[str, Any]], text: str) -> None:
    """Mark the turn that is said at that time, or is the last before it."""
    try:
        at_ms = float(text) * 1000
    except ValueError:
        return
    if not math.isfinite(at_ms):
        return
    begun = [turn for turn in turns if turn["begin_ms"] <= round(at_ms)]
    if begun:
        # Of several that begin at once, the first: the address was made from its begin.
        latest = max(turn["begin_ms"] for turn in begun)
        next(turn for turn in begun if turn["begin_ms"] == latest)["is_sought"] = True
