"""Live calls without packets, and stretches of a call in which nobody talked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import QuerySet

from calls.alerts.kinds.base import LimitKind, ReadyRule
from calls.alerts.matches import AlertMatch
from calls.models import AlertRule, Analysis, Call


class SilenceKind(LimitKind):
    name = AlertRule.Kind.SILENCE
    low, high, unit = 1, 86_400, "seconds"
    checks_live_calls = True

    def live_calls(self, calls: QuerySet[Call], *, limit: float, now: datetime) -> QuerySet[Call]:
        # A call without any packet counts from its start.
        return calls & Call.objects.idle(before=now - timedelta(seconds=limit))

    def describe_live(self, rule: AlertRule, call: Call, *, now: datetime) -> str:
        silent_s = (now - (call.last_packet_at or call.opened_at)).total_seconds()
        return f"No packet for {silent_s:.0f} s; the limit is {rule.limit:g} s."

    def match_analysis(
        self, rule: ReadyRule, call: Call, analysis: Analysis
    ) -> Iterator[AlertMatch]:
        stretches = (analysis.metrics.get("non_talk") or {}).get("instances") or []
        for stretch in stretches:
            length_s = (stretch["end_ms"] - stretch["begin_ms"]) / 1000
            if length_s > rule.limit:
                yield AlertMatch(
                    rule.row,
                    call.pk,
                    f"Nobody talked for {length_s:.0f} s; the limit is {rule.row.limit:g} s.",
                    source=f"non_talk:{stretch['begin_ms']}",
                    offset_ms=max(0, int(stretch["begin_ms"])),
                    found_after_call=True,
                )
