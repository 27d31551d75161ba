"""Reads the written scripts, and the personal data planted in them.

Each file in ``scripts/*.txt`` holds one call: ``# name: value`` lines, then ``speaker: words``
lines, in which ``{CARD:five four one two}`` is a planted item. Some files have no planted items,
but many harmless numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

from calls.conversation import Speaker, Turn, Word
from calls.redaction.redact import Redaction, redact

FOLDER = Path(__file__).parent / "scripts"
WORD_MS = 300
PAUSE_MS = 400
_ITEM = re.compile(r"\{([A-Z_]+):([^}]*)\}")
_LINE = re.compile(r"(agent|customer): (.+)")


@dataclass(frozen=True, slots=True)
class Item:
    """A planted piece of personal data: words ``first`` to ``last`` of turn number ``turn``."""

    turn: int
    kind: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class TextScript:
    name: str
    about: dict[str, str]
    turns: tuple[Turn, ...]
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Removal:
    """The leaks and the needless redactions of a script, as readable text."""

    leaks: list[str]
    needless: list[str]


@cache
def text_scripts() -> tuple[TextScript, ...]:
    return tuple(read_script(path) for path in sorted(FOLDER.glob("*.txt")))


def read_script(path: Path) -> TextScript:
    lines = path.read_text(encoding="utf-8").splitlines()
    about = dict(line[2:].split(": ", 1) for line in lines if line.startswith("# "))
    spoken = [match for line in lines if (match := _LINE.fullmatch(line))]
    turns: list[Turn] = []
    items: list[Item] = []
    at_ms = 0
    for number, match in enumerate(spoken):
        items += _items(number, match[2])
        turn = _turn(cast(Speaker, match[1]), _ITEM.sub(r"\2", match[2]), at_ms)
        turns.append(turn)
        at_ms = turn.end_ms + PAUSE_MS
    return TextScript(path.stem, about, tuple(turns), tuple(items))


def _turn(speaker: Speaker, text: str, begin_ms: int) -> Turn:
    """Return a turn whose words last WORD_MS each, so that times identify words."""
    words = tuple(
        Word(begin_ms + place * WORD_MS, begin_ms + (place + 1) * WORD_MS, word)
        for place, word in enumerate(text.split())
    )
    return Turn(speaker, begin_ms, words[-1].end_ms, text, words)


def _items(turn: int, marked: str) -> Iterator[Item]:
    for match in _ITEM.finditer(marked):
        before = len(_ITEM.sub(r"\2", marked[: match.start()]).split())
        yield Item(turn, match[1], before, before + len(match[2].split()) - 1)


def planted(script: TextScript, said: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return a script's truth in the format of a recording. ``said`` has the times of the turns."""
    items = [
        {
            "turn": item.turn,
            "kind": item.kind,
            "text": " ".join(w.text for w in _words(script, item)),
        }
        for item in script.items
    ]
    return {"id": script.name, **script.about, "turns": list(said), "personal": items}


def _words(script: TextScript, item: Item) -> Sequence[Word]:
    return script.turns[item.turn].words[item.first : item.last + 1]


def try_redaction(script: TextScript) -> Removal:
    """Redact a script, and compare it word by word with its planted items."""
    found = redact(script.turns).redactions
    secret = {word for item in script.items for word in _words(script, item)}
    leaks = []
    for item in script.items:
        left = [
            word.text for word in _words(script, item) if not any(_covers(f, word) for f in found)
        ]
        if left:
            leaks.append(f"{item.kind}: {' '.join(left)} (of: {script.turns[item.turn].text})")
    needless = []
    for each in found:
        turn = script.turns[each.turn]
        gone = [word for word in turn.words if _covers(each, word)]
        if secret.isdisjoint(gone):
            needless.append(f"{each.kind}: {' '.join(w.text for w in gone)} (of: {turn.text})")
    return Removal(leaks, needless)


def _covers(redaction: Redaction, word: Word) -> bool:
    # Times also distinguish words of different turns.
    return redaction.begin_ms < word.end_ms and word.begin_ms < redaction.end_ms
