"""Describes the routes of a list whose rows have numbers: all rows, one row, a new row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

from calls.api.docs.answers import LIST_ERRORS, READ_ERRORS, WRITE_ERRORS, F, without

NUMBER = OpenApiParameter(
    "number", OpenApiTypes.INT64, OpenApiParameter.PATH, description="As in the list."
)


@dataclass(frozen=True)
class Rows:
    """A list. ``unknown`` is the response if it has no such row, ``number`` the one in the path."""

    tag: str
    unknown: OpenApiResponse
    number: OpenApiParameter = NUMBER

    def all(self, operation: str, summary: str, row: Any, **more: Any) -> Callable[[F], F]:
        """Describe the route that lists the rows. ``row`` is the serializer of one."""
        return extend_schema(
            operation_id=operation,
            summary=summary,
            tags=[self.tag],
            responses={200: row(many=True), **LIST_ERRORS},
            **more,
        )

    def new(self, operation: str, summary: str, answer: Any, **more: Any) -> Callable[[F], F]:
        """Describe the route that adds a row."""
        return extend_schema(
            operation_id=operation,
            summary=summary,
            tags=[self.tag],
            responses={201: answer, **WRITE_ERRORS},
            **more,
        )

    def one(
        self,
        operation: str,
        summary: str,
        answer: Any,
        *,
        status: int = 200,
        also: Mapping[int, OpenApiResponse] | None = None,
        **more: Any,
    ) -> Callable[[F], F]:
        """Describe a route that reads a row or acts on it. ``also`` has further responses.

        If ``request`` is given, be it None, the body is checked and may be refused.
        """
        errors = WRITE_ERRORS if "request" in more else without(READ_ERRORS, 400)
        return extend_schema(
            operation_id=operation,
            summary=summary,
            tags=[self.tag],
            parameters=[self.number],
            responses={status: answer, **errors, 404: self.unknown, **(also or {})},
            **{"request": None, **more},
        )
