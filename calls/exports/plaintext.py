"""A transcript as plain text: one line for each turn, so that text cannot imitate a turn."""

from __future__ import annotations

from typing import Any

from calls.exports.clean import clock, one_line


def export(document: dict[str, Any]) -> str:
    return "".join(
        f"[{clock(turn['begin_ms'])}] {turn['speaker'].title()}: {one_line(turn['text'])}\n"
        for turn in document["turns"]
    )
