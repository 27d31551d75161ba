"""The enabled rules, with their phrases compiled once for each version of a rule."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from calls.alerts.kinds import KINDS
from calls.alerts.kinds.base import ReadyRule
from calls.models import AlertRule


class RuleBook:
    """The enabled rules as of the last ``refresh``."""

    def __init__(self) -> None:
        self._ready: dict[tuple[int, datetime], ReadyRule] = {}

    def refresh(self) -> None:
        rows = AlertRule.objects.filter(enabled=True)
        # A rule with many phrases takes a while to compile, so it is compiled once for each change.
        self._ready = {
            (row.pk, row.updated_at): self._ready.get((row.pk, row.updated_at)) or ready(row)
            for row in rows
        }

    def of(self, *kinds: str) -> Sequence[ReadyRule]:
        return [rule for rule in self._ready.values() if rule.row.kind in kinds]

    def for_queue(self, queue: str) -> Sequence[ReadyRule]:
        return [rule for rule in self.of(*KINDS) if rule.wants(queue=queue)]


def ready(row: AlertRule) -> ReadyRule:
    """Prepare a rule for use."""
    return ReadyRule(row, KINDS[row.kind].compile(row))
