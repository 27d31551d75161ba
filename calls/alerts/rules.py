"""The enabled rules, read anew when one changes, with their phrases compiled once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from calls.alerts.phrases import compile_phrases
from calls.models import AlertRule


@dataclass(frozen=True)
class ReadyRule:
    row: AlertRule
    expression: re.Pattern[str] | None = None

    def wants(self, *, queue: str, speaker: str | None = None) -> bool:
        """Whether it looks at calls of this queue, and at what this speaker says."""
        of_queue = self.row.queue in ("", queue)
        return of_queue and (speaker is None or self.row.speaker in ("", speaker))


class RuleBook:
    """The rules as of the last ``refresh``."""

    def __init__(self) -> None:
        self._ready: dict[tuple[int, datetime], ReadyRule] = {}

    def refresh(self) -> None:
        rows = AlertRule.objects.filter(enabled=True)
        self._ready = {
            (row.pk, row.updated_at): self._ready.get((row.pk, row.updated_at)) or ready(row)
            for row in rows
        }

    def of(self, *kinds: str) -> Sequence[ReadyRule]:
        return [rule for rule in self._ready.values() if rule.row.kind in kinds]


def ready(row: AlertRule) -> ReadyRule:
    """Compile what a rule looks for."""
    is_words = row.kind == AlertRule.Kind.WORDS
    return ReadyRule(row, compile_phrases(row.phrases) if is_words else None)
