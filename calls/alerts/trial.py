"""Tries a rule on past calls before it is enabled. Writes nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from calls.alerts.conditions import match_past
from calls.alerts.matches import AlertMatch
from calls.alerts.rules import of_rule, ready
from calls.lifecycle import CallState
from calls.models import AlertRule, Analysis, Call
from calls.visibility import in_sight

# Somebody is waiting for the result. Analyses of long calls are large, so few are held at once.
CALLS, AT_ONCE, SECONDS = 200, 25, 8.0
OVER = (CallState.ARCHIVED, CallState.FAILED)


@dataclass(frozen=True)
class TrialHit:
    """A call that the rule matches: the first match, and how many more there are."""

    call: Call
    match: AlertMatch
    more: int


@dataclass(frozen=True)
class Trial:
    """The result. ``looked`` is the number of calls that were checked in time."""

    looked: int
    hits: list[TrialHit]
    is_cut: bool

    @property
    def percent(self) -> float:
        return 100 * len(self.hits) / self.looked if self.looked else 0.0


def try_rule(rule: AlertRule, *, calls: int = CALLS, seconds: float = SECONDS) -> Trial:
    """Check the newest finished calls with a rule that need not be saved.

    Words are searched in transcripts. Loss and length are those at the end of the call.
    """
    tried, deadline = ready(rule), time.monotonic() + seconds
    looked, hits = 0, []
    for call, analysis in _calls(rule, calls):
        looked += 1
        found = list(match_past(tried, call, analysis))
        if found:
            hits.append(TrialHit(call, found[0], len(found) - 1))
        if time.monotonic() > deadline:
            return Trial(looked, hits, is_cut=True)
    return Trial(looked, hits, is_cut=False)


def _calls(rule: AlertRule, limit: int) -> Iterator[tuple[Call, Analysis | None]]:
    over = of_rule(in_sight(Call.objects.filter(state__in=OVER)), rule).order_by("-id")
    pks = list(over.values_list("pk", flat=True)[:limit])
    for some in _groups(pks):
        newest = Analysis.objects.filter(call__in=some).order_by("version")
        # In ascending order of version, so the newest one stays.
        analyses = {analysis.call_id: analysis for analysis in newest}
        for call in Call.objects.filter(pk__in=some).order_by("-id"):
            yield call, analyses.get(call.pk)


def _groups(pks: list[int]) -> Iterator[list[int]]:
    for begin in range(0, len(pks), AT_ONCE):
        yield pks[begin : begin + AT_ONCE]
