"""What a kind of alert rule can do, and a rule or condition that is prepared for use."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from calls.alerts.live.heard import HeardCall
from calls.alerts.matches import AlertMatch
from calls.formats.numbers import limit_text
from calls.models import Alert, AlertRule, Analysis, Call


@dataclass(frozen=True)
class ReadyRule:
    """A rule with its phrases compiled, or one of its conditions.

    The ``row`` of a condition is not stored. ``conditions`` must hold as well.
    """

    row: AlertRule
    expression: re.Pattern[str] | None = None
    conditions: Sequence[ReadyRule] = ()

    @property
    def limit(self) -> float:
        return self.row.limit or 0

    def wants_call(self, *, queue: str, agent: str) -> bool:
        """Whether the rule applies to calls of this queue and agent."""
        is_queue = not self.row.queues or queue in self.row.queues
        return is_queue and (not self.row.agents or agent in self.row.agents)

    def wants_speaker(self, speaker: str) -> bool:
        return self.row.speaker in ("", speaker)


@dataclass(frozen=True)
class LiveLook:
    """A later check of a live call that has an alert whose condition lasts.

    ``heard`` is None if the call is not transcribed live. ``speaker`` is whose words count; empty:
    those of both sides.
    """

    alert: Alert
    call: Call
    heard: HeardCall | None
    at: datetime
    speaker: str = ""


class AlertKind:
    """One kind of rule. A subclass overrides the checks that apply to it.

    ``fields`` are the fields of a rule that the kind uses, besides those of every rule.
    ``hears`` says that the kind needs the live words of a call.
    """

    # Stored with rules and alerts: never rename one.
    name: ClassVar[str]
    fields: ClassVar[tuple[str, ...]] = ()
    hears: ClassVar[bool] = False
    reads_packets: ClassVar[bool] = False
    checks_live_calls: ClassVar[bool] = False

    def clean(self, rule: AlertRule) -> None:
        """Validate the fields that this kind uses. Raises ValidationError."""

    def compile(self, rule: AlertRule) -> re.Pattern[str] | None:
        """Return the expression to search text for, if the kind has one."""
        return None

    def live_calls(self, calls: QuerySet[Call], *, limit: float, now: datetime) -> QuerySet[Call]:
        """Narrow live calls to those that match. Only for kinds that check live calls."""
        raise NotImplementedError

    def describe_live(self, rule: AlertRule, call: Call, *, now: datetime) -> str:
        """Say what is wrong with a live call that matched."""
        raise NotImplementedError

    def match_live(self, rule: ReadyRule, heard: HeardCall) -> Iterator[AlertMatch]:
        """Check what was heard of a live call. Called for each call in which something changed.

        Start sources with LIVE_SOURCE, so that the result does not raise the same alert again.
        """
        yield from ()

    def reason_over(self, rule: ReadyRule, now: LiveLook) -> str:
        """Return why the condition of an alert has ended in a live call, or an empty string.

        Every condition that lasts ends with the call in any case.
        """
        return ""

    def is_confirmed(
        self, rule: ReadyRule, call: Call, analysis: Analysis, *, speaker: str
    ) -> bool:
        """Whether a new result of a call leaves an alert about this speaker as it is."""
        return True

    def match_now(self, rule: ReadyRule, heard: HeardCall) -> Iterator[AlertMatch]:
        """Check all that is known of a live call, for rules with conditions."""
        yield from self.match_live(rule, heard.whole if self.reads_words(rule) else heard)

    def reads_words(self, rule: ReadyRule) -> bool:
        """Whether ``match_now`` reads every utterance of the call."""
        return False

    def match_end(self, rule: ReadyRule, call: Call) -> Iterator[AlertMatch]:
        """Check a call that has just ended, in case the last sweep missed it."""
        yield from ()

    def match_failure(
        self, rule: ReadyRule, call: Call, *, reason: str, source: str | None = None
    ) -> Iterator[AlertMatch]:
        """Check a call whose analysis failed."""
        yield from ()

    def match_analysis(
        self, rule: ReadyRule, call: Call, analysis: Analysis
    ) -> Iterator[AlertMatch]:
        """Check the redacted turns and the metrics of an analysis."""
        yield from ()

    def match_past(
        self, rule: ReadyRule, call: Call, analysis: Analysis | None
    ) -> Iterator[AlertMatch]:
        """Check a past call when somebody tries the rule."""
        yield from self.match_end(rule, call)
        if analysis is not None:
            yield from self.match_analysis(rule, call, analysis)


class LimitKind(AlertKind):
    """A kind that needs a limit from ``low`` to ``high``."""

    fields: ClassVar[tuple[str, ...]] = ("limit",)
    low: ClassVar[float]
    high: ClassVar[float]
    unit: ClassVar[str]
    limit_label: ClassVar[str]  # in the form

    def clean(self, rule: AlertRule) -> None:
        if rule.limit is None or not self.low <= rule.limit <= self.high:
            low, high = limit_text(self.low), limit_text(self.high)
            text = f"This kind needs a limit from {low} to {high} {self.unit}."
            raise ValidationError({"limit": text})
