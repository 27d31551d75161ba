"""Live calls without packets, and stretches of a call in which nobody talked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import QuerySet

from calls.alerts.kinds.base import LimitKind, LiveLook, ReadyRule
from calls.alerts.live.heard import HeardCall
from calls.alerts.matches import LIVE_SOURCE, AlertMatch
from calls.models import Alert, AlertRule, Analysis, Call


class SilenceKind(LimitKind):
    name = AlertRule.Kind.SILENCE
    low, high, unit = 1, 86_400, "seconds"
    limit_label = "Silence longer than (seconds)"
    checks_live_calls = True

    def live_calls(self, calls: QuerySet[Call], *, limit: float, now: datetime) -> QuerySet[Call]:
        # A call without any packet counts from its start.
        return calls & Call.objects.idle(before=now - timedelta(seconds=limit))

    def describe_live(self, rule: AlertRule, call: Call, *, now: datetime) -> str:
        silent_s = (now - (call.last_packet_at or call.opened_at)).total_seconds()
        return f"No packet for {silent_s:.0f} s; the limit is {rule.limit:g} s."

    def match_live(self, rule: ReadyRule, heard: HeardCall) -> Iterator[AlertMatch]:
        """Find calls whose packets arrive but in which nobody talks."""
        silence = heard.silence
        if silence and silence.duration_ms > rule.limit * 1000:
            yield AlertMatch(
                rule.row,
                heard.pk,
                _describe_silence(rule, silence.duration_ms),
                # With its end so far: silence that continues may be reported again.
                source=f"{LIVE_SOURCE}silence:{silence.end_ms}",
                offset_ms=silence.begin_ms,
                lasts=True,
            )

    def reason_over(self, rule: ReadyRule, now: LiveLook) -> str:
        if (now.alert.source or "").startswith(LIVE_SOURCE):
            silence = now.heard and now.heard.silence
            is_silent = not silence or silence.duration_ms > rule.limit * 1000
        else:
            heard_at = now.call.last_packet_at or now.call.opened_at
            is_silent = heard_at < now.at - timedelta(seconds=rule.limit)
        return "" if is_silent else Alert.Reason.SILENCE_BROKEN

    def match_analysis(
        self, rule: ReadyRule, call: Call, analysis: Analysis
    ) -> Iterator[AlertMatch]:
        stretches = (analysis.metrics.get("non_talk") or {}).get("instances") or []
        for stretch in stretches:
            length_ms = stretch["end_ms"] - stretch["begin_ms"]
            if length_ms > rule.limit * 1000:
                yield AlertMatch(
                    rule.row,
                    call.pk,
                    _describe_silence(rule, length_ms),
                    source=f"non_talk:{stretch['begin_ms']}",
                    offset_ms=max(0, int(stretch["begin_ms"])),
                    end_ms=int(stretch["end_ms"]),
                    found_after_call=True,
                )


def _describe_silence(rule: ReadyRule, length_ms: float) -> str:
    return f"Nobody talked for {length_ms / 1000:.0f} s; the limit is {rule.limit:g} s."
