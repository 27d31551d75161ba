"""Descriptions of the routes of agents and queues. No behaviour."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers

from calls.api.docs.answers import LIST_ERRORS, F, answer, text
from calls.api.docs.reports import FIGURES
from calls.api.serializers.reports import AgentNowSerializer, QueueNowSerializer

_PAGE = [
    OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": 1000}, default=100),
    OpenApiParameter("offset", {"type": "integer", "minimum": 0, "maximum": 100_000}, default=0),
]


def _now(noun: str, by: str, name: str, row: Any) -> Callable[[F], F]:
    example = {
        "at": "2026-01-31T12:00:00Z",
        "time_zone": "Europe/Berlin",
        "count": 1,
        "next": None,
        "results": [
            {
                by: name,
                "live_calls": ["4711"],
                "live_since": "2026-01-31T11:56:10Z",
                "open_alerts": 1,
                "worst_alert": "warning",
                "last_ended_at": "2026-01-31T11:52:40Z",
                **FIGURES,
            }
        ],
    }

    return extend_schema(
        operation_id=f"list_{noun}",
        summary=f"{noun.capitalize()} now: live calls, open alerts, and the figures of today",
        description=(
            f"Everybody with a call today, a live call or an open alert, and the {noun} of the "
            "newest calls before, by name. `reports` has the figures of other days."
        ),
        tags=["reports"],
        parameters=_PAGE,
        examples=[OpenApiExample("One", value=example, response_only=True)],
        responses={
            200: answer(
                f"{noun.capitalize()}Now",
                at=serializers.DateTimeField(),
                time_zone=text(),
                count=serializers.IntegerField(),
                next=serializers.URLField(allow_null=True),
                results=row(many=True),
            ),
            **LIST_ERRORS,
        },
    )


agents_now = _now("agents", "agent", "Ana Ruiz", AgentNowSerializer)
queues_now = _now("queues", "queue", "billing", QueueNowSerializer)
