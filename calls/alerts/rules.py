"""The enabled rules, with their phrases compiled once for each version of a rule."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from calls.alerts.kinds import KINDS
from calls.alerts.kinds.base import ReadyRule
from calls.models import AlertRule, CallQuerySet


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

    def for_call(self, *, queue: str, agent: str) -> Sequence[ReadyRule]:
        return [rule for rule in self._ready.values() if rule.wants_call(queue=queue, agent=agent)]


def of_rule(calls: CallQuerySet, rule: AlertRule) -> CallQuerySet:
    """Narrow calls to those that the rule applies to."""
    if rule.queues:
        calls = calls.filter(queue__in=rule.queues)
    return calls.filter(agent__in=rule.agents) if rule.agents else calls


def ready(row: AlertRule) -> ReadyRule:
    """Prepare a rule for use, with its conditions."""
    conditions = [ready(condition) for condition in conditions_of(row)]
    return ReadyRule(row, KINDS[row.kind].compile(row), conditions)


def conditions_of(row: AlertRule) -> list[AlertRule]:
    """Return the conditions of a rule as rules that are not stored."""
    return [AlertRule(**condition) for condition in row.conditions]
