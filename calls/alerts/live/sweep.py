"""Checks live calls against the rules about their state, in SQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet

from calls.alerts.conditions import hears
from calls.alerts.kinds import KINDS
from calls.alerts.kinds.base import ReadyRule
from calls.alerts.live.utterances import LiveTail
from calls.alerts.matches import AlertMatch
from calls.alerts.rules import of_rule
from calls.alerts.services import SETTLED
from calls.models import Alert, AlertRule, Call

# Matches of one rule in one sweep. The others follow in the next one, two seconds later.
LIMIT = 500


def sweep_live(rules: Sequence[ReadyRule], *, now: datetime) -> Iterator[AlertMatch]:
    """Yield matches on live calls, except those for which a rule must not raise an alert now."""
    for rule in rules:
        found = list(_live_calls(rule, now=now).exclude(_already_raised(rule.row, now=now))[:LIMIT])
        texts = _told_by_words(rule, found)
        for call in found:
            if call.pk in texts:
                said = [_describe(part, call, now=now) for part in _by_state(rule)]
                text = " ".join([*said, *texts[call.pk]])
                at_ms = _age_ms(call, now)
                yield AlertMatch(rule.row, call.pk, text, offset_ms=at_ms, lasts=True)


def _live_calls(rule: ReadyRule, *, now: datetime) -> QuerySet[Call]:
    """Return the calls whose state is that of the rule and of its conditions."""
    # The words decide: these calls are checked whenever new words arrive.
    if hears(rule) and rule.row.kind != AlertRule.Kind.SILENCE:
        return Call.objects.none()
    calls: QuerySet[Call] = of_rule(Call.objects.live(), rule.row)
    for part in _by_state(rule):
        calls = KINDS[part.row.kind].live_calls(calls, limit=part.limit, now=now)
    return calls


def _by_state(rule: ReadyRule) -> list[ReadyRule]:
    """Return the rule and those of its conditions that SQL can check."""
    return [part for part in (rule, *rule.conditions) if not KINDS[part.row.kind].hears]


def _describe(part: ReadyRule, call: Call, *, now: datetime) -> str:
    return KINDS[part.row.kind].describe_live(part.row, call, now=now)


def _told_by_words(rule: ReadyRule, calls: Sequence[Call]) -> dict[int, list[str]]:
    """Return what the conditions about words found, for the calls for which all of them hold."""
    spoken = [part for part in rule.conditions if KINDS[part.row.kind].hears]
    if not spoken:
        return {call.pk: [] for call in calls}
    texts = {}
    for heard in LiveTail().read_ended([call.pk for call in calls]):
        found = [list(KINDS[part.row.kind].match_now(part, heard)) for part in spoken]
        if all(found):
            texts[heard.pk] = [matches[-1].found for matches in found]
    return texts


def _already_raised(row: AlertRule, *, now: datetime) -> Exists:
    alerts = Alert.objects.filter(call=OuterRef("pk"), rule=row)
    if row.repeat_after_s is not None:
        recent = Q(raised_at__gt=now - timedelta(seconds=row.repeat_after_s))
    else:
        # A condition that ended may be back.
        recent = Q(resolved_at=None) | Q(resolved_at__gt=now - SETTLED)
    return Exists(alerts.filter(recent))


def _age_ms(call: Call, now: datetime) -> int:
    return max(0, round((now - call.opened_at).total_seconds() * 1000))
