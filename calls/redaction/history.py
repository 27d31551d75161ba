"""The redaction of a conversation that grows: only what is new is read again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from calls.conversation import Speaker, Turn
from calls.redaction.languages.rules import Rules
from calls.redaction.personal_data import Detection
from calls.redaction.redact import Memory

Group = list[int]
"""The numbers of utterances that are one turn."""


@dataclass(frozen=True, slots=True)
class Said:
    """One turn: its speaker, and the plain copy of its text. A long one is in several pieces."""

    speaker: Speaker
    text: str
    goes_on: bool = False


class History:
    """What each turn so far was found to hold, and what was known after it."""

    def __init__(self) -> None:
        self.found: list[list[Detection]] = []
        self._turns: list[Said] = []
        self._known: list[Memory] = []

    def follow(self, turns: Sequence[Said], rules: Rules) -> Memory:
        """Read the turns that differ from those of before, and return what is known then.

        Other rules read all of them again.
        """
        same = self._same(turns) if self._known and self._known[0].rules is rules else 0
        self._known = self._known[: same + 1] if same else [Memory(rules)]
        self._turns, self.found = self._turns[:same], self.found[:same]
        for turn in turns[same:]:
            memory = self._known[-1].copy()
            self.found.append(memory.listen(turn.speaker, turn.text, goes_on=turn.goes_on))
            self._turns.append(turn)
            self._known.append(memory)
        return self._known[-1]

    def _same(self, turns: Sequence[Said]) -> int:
        pairs = list(zip(turns, self._turns, strict=False))
        return next((n for n, (new, old) in enumerate(pairs) if new != old), len(pairs))


def joined_texts(
    utterances: Sequence[Turn], texts: Sequence[str], groups: Sequence[Group]
) -> list[Said]:
    """Return each group as one text. A group that begins within the one before continues it."""
    before = [-1, *(group[-1] for group in groups)]
    return [
        Said(
            utterances[group[0]].speaker,
            " ".join(texts[place] for place in group),
            goes_on=group[0] <= last,
        )
        for group, last in zip(groups, before, strict=False)
    ]
