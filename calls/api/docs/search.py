"""Descriptions of the search routes. No behaviour."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers

from calls.api.docs.answers import BOM, BUSY, FORBIDDEN, METHOD, UNAUTHORISED, error
from calls.api.serializers.search import FoundCallSerializer
from calls.search.query import MAX_TERMS, QUERY_LENGTH

_NOT_UNDERSTOOD = error(
    "The query or a filter is not valid.",
    {"q": ["A closing bracket has no opening one."]},
)
_ERRORS = {400: _NOT_UNDERSTOOD, 401: UNAUTHORISED, 403: FORBIDDEN, 405: METHOD, 503: BUSY}
_SYNTAX = (
    '`refund cancel`: both words, anywhere in the call. `"thank you"`: this phrase, within one '
    "turn. `refund OR cancel`: either word. `-sorry`: calls without the word. `cancel*`: words "
    "that start with this. `customer:refund`, `agent:`, `summary:`, `note:`: only in this place. "
    "Brackets group: `customer:(refund OR cancel) -agent:sorry`."
)
_Q = OpenApiParameter(
    "q",
    str,
    description=f"{_SYNTAX} At most {QUERY_LENGTH} characters and {MAX_TERMS} words. "
    "Empty: all calls that match the filters.",
    examples=[
        OpenApiExample("Two words", value="refund cancel"),
        OpenApiExample("A phrase", value='"thank you"'),
        OpenApiExample("By side", value="customer:(refund OR cancel) -agent:sorry"),
    ],
)


def _upto(most: int) -> dict[str, object]:
    return {"type": "integer", "minimum": 1, "maximum": most}


_WHERE = [
    OpenApiParameter(
        "speaker", str, enum=["agent", "customer"], description="Search only what this side said."
    ),
    OpenApiParameter(
        "in",
        str,
        enum=["transcript", "summary", "note"],
        description="Search only here. `summary` includes keywords and insights.",
    ),
]
_DESCRIPTION = (
    "Newest call first. Searches the redacted words of the latest analysis, its summary, "
    "keywords and insights, and the notes of supervisors. Case and accents are ignored. Only "
    "whole words match."
)
_EXAMPLE = OpenApiExample(
    "One call",
    value={
        "count": 1,
        "count_is_exact": True,
        "next": None,
        "results": [
            {
                "call_id": "4711",
                "state": "ARCHIVED",
                "agent": "ana",
                "hit_count": 1,
                "hits": [
                    {
                        "where": "customer",
                        "name": None,
                        "note": None,
                        "turn": 3,
                        "begin_ms": 21_400,
                        "end_ms": 24_900,
                        "sentiment": "NEGATIVE",
                        "text": "I want a refund.",
                        "matches": [[9, 15]],
                    }
                ],
            }
        ],
    },
    response_only=True,
    status_codes=["200"],
)
search = extend_schema(
    operation_id="search_calls",
    summary="Calls in which something was said",
    description=_DESCRIPTION,
    tags=["lists"],
    parameters=[
        _Q,
        *_WHERE,
        OpenApiParameter("limit", _upto(100), default=20, description="Maximum number of calls."),
        OpenApiParameter("hits", _upto(100), default=3, description="Maximum of hits per call."),
        OpenApiParameter(
            "before", _upto(2**63 - 1), description="From `next` of the previous page."
        ),
    ],
    examples=[_EXAMPLE],
    responses={
        200: inline_serializer(
            "SearchPage",
            {
                "count": serializers.IntegerField(help_text="At most 1,000."),
                "count_is_exact": serializers.BooleanField(help_text="false: there are more."),
                "next": serializers.URLField(allow_null=True),
                "results": FoundCallSerializer(many=True),
            },
        ),
        **_ERRORS,
    },
)
table = extend_schema(
    operation_id="export_search",
    summary="All search results as CSV, one row per hit",
    description=f"{_DESCRIPTION} Cells that a spreadsheet would run start with an apostrophe.",
    tags=["lists"],
    parameters=[_Q, *_WHERE, BOM],
    responses={(200, "text/csv"): OpenApiTypes.STR, **_ERRORS},
)
