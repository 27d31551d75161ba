"""The share of packets that are missing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db.models import F, QuerySet

from calls.alerts.kinds.base import LimitKind, LiveLook, ReadyRule
from calls.alerts.live.heard import CallFacts, HeardCall
from calls.alerts.matches import AlertMatch
from calls.models import Alert, AlertRule, Call

# With fewer packets, a single late packet is too large a share.
MIN_PACKETS = 20


class LossKind(LimitKind):
    name = AlertRule.Kind.LOSS
    low, high, unit = 0.1, 100, "percent"
    limit_label = "Missing packets over (%)"
    checks_live_calls = True

    def live_calls(self, calls: QuerySet[Call], *, limit: float, now: datetime) -> QuerySet[Call]:
        # packet_count + missing_count >= MIN_PACKETS, in the form that a filter can express.
        known = calls.filter(packet_count__gt=MIN_PACKETS - 1 - F("missing_count"))
        share = limit / 100
        return known.filter(missing_count__gt=share * (F("missing_count") + F("packet_count")))

    def describe_live(self, rule: AlertRule, call: Call, *, now: datetime) -> str:
        return _describe(rule, call)

    def match_now(self, rule: ReadyRule, heard: HeardCall) -> Iterator[AlertMatch]:
        if heard.age_ms is not None and _is_over(rule, heard.call):
            text = _describe(rule.row, heard.call)
            yield AlertMatch(rule.row, heard.pk, text, offset_ms=heard.age_ms, lasts=True)

    def match_end(self, rule: ReadyRule, call: Call) -> Iterator[AlertMatch]:
        if _is_over(rule, call):
            yield AlertMatch(rule.row, call.pk, _describe(rule.row, call), "end", lasts=True)

    def reason_over(self, rule: ReadyRule, now: LiveLook) -> str:
        return "" if _is_over(rule, now.call) else Alert.Reason.WITHIN_LIMIT


def _is_over(rule: ReadyRule, call: Call | CallFacts) -> bool:
    sent = call.missing_count + call.packet_count
    return sent >= MIN_PACKETS and call.missing_count > rule.limit / 100 * sent


def _describe(rule: AlertRule, call: Call | CallFacts) -> str:
    sent = call.missing_count + call.packet_count
    lost = 100 * call.missing_count / sent if sent else 0
    return f"{lost:.1f} % of the packets are missing; the limit is {rule.limit:g} %."
