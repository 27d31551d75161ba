"""Matches of a rule as a whole: its kind, and the further conditions that must hold as well.

A rule without conditions is checked by its kind, against what is new. With conditions, everything
known of the call counts: "cancel" may be said at the start, and the sentiment fall at the end. The
alert points at the last place where the rule's own kind was found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from calls.alerts.kinds import KINDS
from calls.alerts.kinds.base import AlertKind, ReadyRule
from calls.alerts.live.heard import HeardCall
from calls.alerts.matches import AlertMatch
from calls.models import AlertRule, Analysis, Call

Check = Callable[[AlertKind, ReadyRule], Iterator[AlertMatch]]


def match_live(rule: ReadyRule, heard: HeardCall) -> Iterator[AlertMatch]:
    """Check what was heard of a live call."""
    if not rule.conditions:
        yield from _kind(rule).match_live(rule, heard)
    elif hears(rule) or rule.row.kind == AlertRule.Kind.SILENCE:
        yield from _match_all(rule, lambda kind, part: kind.match_now(part, heard))


def match_end(rule: ReadyRule, call: Call) -> Iterator[AlertMatch]:
    """Check a call that has just ended. Rules on what was said wait for the result."""
    if not rule.conditions:
        yield from _kind(rule).match_end(rule, call)
    elif not hears(rule):
        yield from _match_all(rule, lambda kind, part: kind.match_end(part, call))


def match_analysis(rule: ReadyRule, call: Call, analysis: Analysis) -> Iterator[AlertMatch]:
    """Check the result of a call."""
    if not rule.conditions:
        yield from _kind(rule).match_analysis(rule, call, analysis)
    else:
        yield from match_past(rule, call, analysis)


def match_past(rule: ReadyRule, call: Call, analysis: Analysis | None) -> Iterator[AlertMatch]:
    """Check all that is known of a call that is over."""
    if not rule.conditions:
        yield from _kind(rule).match_past(rule, call, analysis)
    else:
        yield from _match_all(rule, lambda kind, part: kind.match_past(part, call, analysis))


def match_failure(
    rule: ReadyRule, call: Call, analysis: Analysis | None, *, reason: str, source: str
) -> Iterator[AlertMatch]:
    """Check a call whose analysis failed. ``analysis`` is an earlier result, if there is one."""

    def check(kind: AlertKind, part: ReadyRule) -> Iterator[AlertMatch]:
        if part is rule:
            return kind.match_failure(part, call, reason=reason, source=source)
        return kind.match_past(part, call, analysis)

    yield from _match_all(rule, check)


def hears(rule: ReadyRule) -> bool:
    """Whether the rule or one of its conditions is about what was said."""
    return any(_kind(part).hears for part in (rule, *rule.conditions))


def _match_all(rule: ReadyRule, check: Check) -> Iterator[AlertMatch]:
    """Yield the last match of the rule's kind if all conditions hold, with what was found."""
    found: dict[int, AlertMatch] = {}
    parts = [rule, *rule.conditions]
    # What costs least first: most calls fail a condition before their words are read.
    for number, part in sorted(enumerate(parts), key=lambda each: _cost(each[1])):
        matches = list(check(_kind(part), part))
        if not matches:
            return
        found[number] = max(matches, key=lambda match: match.offset_ms or 0)
    texts = [found[number].found for number in range(len(parts))]
    first = found[0]
    # In a live call, the whole lasts no longer than each of its parts.
    is_live = not first.found_after_call
    lasts = first.lasts or (is_live and any(match.lasts for match in found.values()))
    yield replace(first, found=" ".join(texts), lasts=lasts)


def _cost(part: ReadyRule) -> tuple[bool, bool]:
    kind = _kind(part)
    return kind.reads_words(part), kind.hears


def _kind(part: ReadyRule) -> AlertKind:
    return KINDS[part.row.kind]
