"""The figures of reports: of an agent, a queue or a day."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rest_framework import serializers

from calls.reports.figures import Figures


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


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
