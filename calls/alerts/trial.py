"""What a rule would have found on calls of late, before it is let loose. Nothing is written."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import QuerySet

from calls.alerts.results import judge_analysis, judge_end
from calls.alerts.rules import ReadyRule, ready
from calls.alerts.services import Finding
from calls.lifecycle import CallState
from calls.models import AlertRule, Analysis, Call

CALLS, AT_ONCE, SECONDS = 200, 25, 8.0
OVER = (CallState.ARCHIVED, CallState.FAILED)


@dataclass(frozen=True)
class Hit:
    """A call on which the rule would have spoken: its first finding, and how many came after."""

    call: Call
    finding: Finding
    more: int


@dataclass(frozen=True)
class Trial:
    """What came of it. ``looked`` is how many calls there was time for."""

    looked: int
    hits: list[Hit]
    is_cut: bool

    @property
    def percent(self) -> float:
        return 100 * len(self.hits) / self.looked if self.looked else 0.0


def try_rule(rule: AlertRule, *, calls: int = CALLS, seconds: float = SECONDS) -> Trial:
    """Judge the newest calls that are over with a rule that need not be saved.

    Words are looked for in transcripts. Loss and length are those at the end of the call.
    """
    tried, deadline = ready(rule), time.monotonic() + seconds
    looked, hits = 0, []
    for call, analysis in _calls(rule, calls):
        looked += 1
        found = list(_judge(tried, call, analysis))
        if found:
            hits.append(Hit(call, found[0], len(found) - 1))
        if time.monotonic() > deadline:
            return Trial(looked, hits, is_cut=True)
    return Trial(looked, hits, is_cut=False)


def _calls(rule: AlertRule, limit: int) -> Iterator[tuple[Call, Analysis | None]]:
    over: QuerySet[Call] = Call.objects.filter(state__in=OVER).order_by("-id")
    if rule.queue:
        over = over.filter(queue=rule.queue)
    pks = list(over.values_list("pk", flat=True)[:limit])
    for some in _groups(pks):
        newest = Analysis.objects.filter(call__in=some).order_by("version")
        analyses = {analysis.call_id: analysis for analysis in newest}
        for call in Call.objects.filter(pk__in=some).order_by("-id"):
            yield call, analyses.get(call.pk)


def _groups(pks: list[int]) -> Iterator[list[int]]:
    for begin in range(0, len(pks), AT_ONCE):
        yield pks[begin : begin + AT_ONCE]


def _judge(tried: ReadyRule, call: Call, analysis: Analysis | None) -> Iterator[Finding]:
    if tried.row.kind == AlertRule.Kind.FAILED:
        if call.state == CallState.FAILED:
            yield Finding(tried.row, call.pk, call.last_error or "No reason.")
        return
    yield from judge_end([tried], call)
    if analysis is not None:
        yield from judge_analysis([tried], call, analysis)
