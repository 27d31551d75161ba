"""Descriptions of the routes of reports. No behaviour."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers

from calls.api.docs.answers import BOM, BUSY, FORBIDDEN, METHOD, UNAUTHORISED, F, error
from calls.api.serializers.reports import (
    AgentReportSerializer,
    DayReportSerializer,
    QueueReportSerializer,
)
from calls.reports.period import MOST_DAYS, USUAL_DAYS

_REFUSED = error(
    "A date, the range or the time zone is not valid.",
    {"from": ["Must be a date, such as 2026-01-31."]},
)
_ERRORS = {400: _REFUSED, 401: UNAUTHORISED, 403: FORBIDDEN, 405: METHOD, 503: BUSY}
_RANGE = [
    OpenApiParameter(
        "from",
        OpenApiTypes.DATE,
        description=f"First day. Default: {USUAL_DAYS} days, up to `to`.",
        examples=[OpenApiExample("A month", value="2026-01-01")],
    ),
    OpenApiParameter(
        "to",
        OpenApiTypes.DATE,
        description=f"Last day, included. Default: today. At most {MOST_DAYS} days from `from`.",
        examples=[OpenApiExample("A month", value="2026-01-31")],
    ),
    OpenApiParameter(
        "tz",
        str,
        description="Time zone in which days start and end. Default: that of the site.",
        examples=[OpenApiExample("Berlin", value="Europe/Berlin")],
    ),
    OpenApiParameter(
        "agent", str, description="Only calls of exactly this agent. Empty: calls without one."
    ),
    OpenApiParameter(
        "queue", str, description="Only calls of exactly this queue. Empty: calls without one."
    ),
]
FIGURES = {
    "calls": 41,
    "handled": 40,
    "average_handling_s": 312.5,
    "customer_positive": 9,
    "customer_neutral": 22,
    "customer_negative": 8,
    "negative_percent": 20.5,
    "agent_positive": 14,
    "agent_neutral": 25,
    "agent_negative": 0,
    "alerts": 3,
}
_COUNTED = "A call counts on the day on which it was opened."


def _report(noun: str, by: str, value: str, row: Any, description: str) -> Callable[[F], F]:
    return extend_schema(
        operation_id=f"report_{noun}",
        summary=f"Calls, handling time, sentiment and alerts by {by}",
        description=description,
        tags=["reports"],
        parameters=_RANGE,
        examples=[
            OpenApiExample(
                f"One {by}",
                value={
                    "from": "2026-01-01",
                    "to": "2026-01-31",
                    "time_zone": "Europe/Berlin",
                    "results": [{by: value, **FIGURES}],
                },
                response_only=True,
                status_codes=["200"],
            )
        ],
        responses={
            200: inline_serializer(
                f"{by.capitalize()}Reports",
                {
                    "from": serializers.DateField(),
                    "to": serializers.DateField(),
                    "time_zone": serializers.CharField(),
                    "results": row(many=True),
                },
            ),
            **_ERRORS,
        },
    )


def _table(noun: str, by: str) -> Callable[[F], F]:
    return extend_schema(
        operation_id=f"export_{noun}_report",
        summary=f"The report by {by} as CSV",
        description=f"{_COUNTED} Cells that a spreadsheet would run start with an apostrophe.",
        tags=["reports"],
        parameters=[*_RANGE, BOM],
        responses={(200, "text/csv"): OpenApiTypes.STR, **_ERRORS},
    )


agents = _report(
    "agents",
    "agent",
    "Daniel Reyes",
    AgentReportSerializer,
    f"Every agent who had a call in the range, by name. {_COUNTED}",
)
queues = _report(
    "queues",
    "queue",
    "billing",
    QueueReportSerializer,
    f"Every queue that had a call in the range, by name. {_COUNTED}",
)
days = _report(
    "days",
    "day",
    "2026-01-31",
    DayReportSerializer,
    f"Every day of the range, oldest first, also those without calls. {_COUNTED}",
)
agents_table = _table("agents", "agent")
queues_table = _table("queues", "queue")
days_table = _table("days", "day")
