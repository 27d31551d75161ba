"""A transcript as plain text: one line for each turn, so that text cannot imitate a turn."""

from __future__ import annotations

from typing import Any

from calls.exports.clean import clock, one_line


def export(document: dict[str, Any]) -> str:
    """Return the turns. The notes follow, those about a moment with its time."""
    lines = [
        f"[{clock(turn['begin_ms'])}] {turn['speaker'].title()}: {one_line(turn['text'])}"
        for turn in document["turns"]
    ]
    lines += [_note(note) for note in document["notes"]]
    return "".join(f"{line}\n" for line in lines)


def _note(note: dict[str, Any]) -> str:
    place = "Note" if note["at_ms"] is None else f"[{clock(note['at_ms'])}] Note"
    author = one_line(note["author"]).replace(":", " ") or "someone"
    return f"{place} by {author}: {one_line(note['text'])}"
