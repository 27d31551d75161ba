"""The figures of reports: of an agent, a queue or a day."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rest_framework import serializers

from calls.reports.cards import Card
from calls.reports.figures import By, Figures


class FiguresSerializer(serializers.Serializer[Any]):
    """Counts of calls. A call counts on the day on which it was opened."""

    calls = serializers.IntegerField(help_text="Calls that were opened in the range.")
    handled = serializers.IntegerField(help_text="Those of them that have ended.")
    average_handling_s = serializers.FloatField(
        allow_null=True, help_text="Average length of handled calls. Null: there are none."
    )
    customer_positive = serializers.IntegerField()
    customer_neutral = serializers.IntegerField()
    customer_negative = serializers.IntegerField()
    negative_percent = serializers.FloatField(
        allow_null=True,
        help_text="Share of negative customers among calls whose sentiment is known.",
    )
    agent_positive = serializers.IntegerField()
    agent_neutral = serializers.IntegerField()
    agent_negative = serializers.IntegerField()
    alerts = serializers.IntegerField(help_text="Alerts of these calls, open or not.")


class AgentReportSerializer(FiguresSerializer):
    """The figures of an agent."""

    agent = serializers.CharField(help_text="Empty: calls without an agent.")


class QueueReportSerializer(FiguresSerializer):
    """The figures of a queue."""

    queue = serializers.CharField(help_text="Empty: calls without a queue.")


class NowSerializer(FiguresSerializer):
    """What an agent or a queue does now, and the figures of today."""

    live_calls = serializers.ListField(
        child=serializers.CharField(), help_text="Ids of its live calls, the longest first."
    )
    live_since = serializers.DateTimeField(
        allow_null=True, help_text="When the longest of them was opened."
    )
    open_alerts = serializers.IntegerField()
    worst_alert = serializers.CharField(
        allow_null=True, help_text="The severity of the worst open alert."
    )
    last_ended_at = serializers.DateTimeField(
        allow_null=True, help_text="When the last of today's calls ended."
    )


class AgentNowSerializer(NowSerializer):
    """An agent now and today."""

    agent = serializers.CharField(help_text="Empty: calls without an agent.")


class QueueNowSerializer(NowSerializer):
    """A queue now and today."""

    queue = serializers.CharField(help_text="Empty: calls without a queue.")


class DayReportSerializer(FiguresSerializer):
    """The figures of a day."""

    day = serializers.DateField()


FIGURES = tuple(FiguresSerializer().fields)


def shown(figures: Figures) -> dict[str, Any]:
    """Return the figures as the API and its tables spell them."""
    known = {
        **asdict(figures),
        "average_handling_s": _rounded(figures.average_handling_s),
        "negative_percent": _rounded(figures.negative_percent),
    }
    return {name: known[name] for name in FIGURES}


def shown_card(by: By, card: Card) -> dict[str, Any]:
    """Return what an agent or a queue does now as the API spells it."""
    longest = card.longest
    return {
        by: card.name,
        "live_calls": [call.call_id for call in card.live],
        "live_since": longest.opened_at if longest else None,
        "open_alerts": card.open_alerts,
        "worst_alert": card.alert_level or None,
        "last_ended_at": card.last_ended_at,
        **shown(card.today),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
