"""Pages of long lists: by position in an index, without counting."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import BasePagination, CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from calls.api.parameters import is_number, whole_number

DEFAULT_LIMIT = 50
MAX_LIMIT = 1000
MAX_KEY = 2**63 - 1


class CallPagination(CursorPagination):
    """Newest call first."""

    ordering = "-id"
    page_size = DEFAULT_LIMIT
    page_size_query_param = "limit"
    max_page_size = 200

    def get_page_size(self, request: Request) -> int:
        return whole_number(request, "limit", default=DEFAULT_LIMIT, low=1, high=self.max_page_size)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        parameters: list[dict[str, Any]] = super().get_schema_operation_parameters(view)
        for each in parameters:
            if each["name"] == self.page_size_query_param:
                each["schema"] |= {"minimum": 1, "maximum": self.max_page_size}
        return parameters

    def decode_cursor(self, request: Request) -> Any:
        try:
            cursor = super().decode_cursor(request)
        except NotFound:
            raise _not_ours("cursor") from None
        # A cursor is readable base64, so anything may be in it.
        if cursor is not None and not is_number(str(cursor.position)):
            raise _not_ours("cursor")
        return cursor


class PacketPagination(BasePagination):
    """By stream and sequence. ``after`` is the position of the last packet seen."""

    def paginate_queryset(
        self, queryset: Any, request: Request, view: APIView | None = None
    ) -> list[Any]:
        self.request = request
        self.limit = whole_number(request, "limit", default=DEFAULT_LIMIT, low=1, high=MAX_LIMIT)
        rows = list(queryset.filter(self._behind())[: self.limit + 1])
        self.more = len(rows) > self.limit
        self.page = rows[: self.limit]
        return self.page

    def _behind(self) -> Q:
        after = self.request.query_params.get("after", "")
        if not after:
            return Q()
        stream, _, sequence = after.partition(".")
        if not all(is_number(part) and int(part) <= MAX_KEY for part in (stream, sequence)):
            raise _not_ours("after")
        # Both parts follow the index on stream and sequence.
        return Q(stream_id=stream, sequence__gt=sequence) | Q(stream_id__gt=stream)

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


def _not_ours(name: str) -> ValidationError:
    return ValidationError({name: ["Take it from `next` of the previous page."]})
