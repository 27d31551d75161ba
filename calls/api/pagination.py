"""Pages of lists that may be endless: by position in an index, never by counting."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination, CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from calls.models import Packet

DEFAULT_LIMIT = 50
MAX_LIMIT = 1000


def whole_number(request: Request, name: str, *, default: int, low: int, high: int) -> int:
    """Read a query parameter. Raises ValidationError that names it and its limits."""
    text = request.query_params.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 20 and low <= int(text) <= high):
        raise ValidationError({name: [f"Must be a whole number from {low} to {high}."]})
    return int(text)


class CallPagination(CursorPagination):
    """Newest call first."""

    ordering = "-id"
    page_size = DEFAULT_LIMIT
    page_size_query_param = "limit"
    max_page_size = 200


class PacketPagination(BasePagination):
    """In order of stream and sequence: ``after`` is the position of the last packet seen."""

    def paginate_queryset(
        self, queryset: QuerySet[Packet], request: Request, view: APIView | None = None
    ) -> list[Packet]:
        self.request = request
        self.limit = whole_number(request, "limit", default=DEFAULT_LIMIT, low=1, high=MAX_LIMIT)
        rows = list(self._behind(queryset)[: self.limit + 1])
        self.more = len(rows) > self.limit
        self.page = rows[: self.limit]
        return self.page

    def _behind(self, queryset: QuerySet[Packet]) -> QuerySet[Packet]:
        after = self.request.query_params.get("after", "")
        if not after:
            return queryset
        try:
            stream, sequence = (int(part) for part in after.split("."))
        except ValueError as error:
            raise ValidationError({"after": ["Take it from `next` of the page before."]}) from error
        return queryset.filter(
            Q(stream_id=stream, sequence__gt=sequence) | Q(stream_id__gt=stream)
        )

    def get_paginated_response(self, data: Any) -> Response:
        following = None
        if self.more:
            last = self.page[-1]
            url = self.request.build_absolute_uri()
            following = replace_query_param(url, "after", f"{last.stream_id}.{last.sequence}")
        return Response({"next": following, "previous": None, "results": data})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": "string", "format": "uri", "nullable": True}
        return {
            "type": "object",
            "required": ["next", "results"],
            "properties": {
                "next": link,
                "previous": link,
                "results": schema,
            },
        }
