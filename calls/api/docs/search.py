"""What /docs and /schema say about searching. No behaviour."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers

from calls.api.docs.answers import BUSY, FORBIDDEN, METHOD, UNAUTHORISED, error
from calls.api.serializers.search import FoundCallSerializer
from calls.search.query import MAX_TERMS, QUERY_LENGTH

_NOT_UNDERSTOOD = error(
    "The query is not understood, or a filter makes no sense.",
    {"q": ["A closing bracket has no opening one."]},
)
_ERRORS = {400: _NOT_UNDERSTOOD, 401: UNAUTHORISED, 403: FORBIDDEN, 405: METHOD, 503: BUSY}
_SYNTAX = (
    '`refund cancel`: both words, anywhere in the call. `"thank you"`: one after the other, in '
    "one turn. `refund OR cancel`. `-sorry`: calls without it. `cancel*`: words that begin so. "
    "`customer:refund`, `agent:`, `summary:`, `note:`: where it stands. Brackets hold together: "
    "`customer:(refund OR cancel) -agent:sorry`."
)
_Q = OpenApiParameter(
    "q",
    str,
    description=f"{_SYNTAX} At most {QUERY_LENGTH} characters and {MAX_TERMS} words. "
    "Empty: all calls that the filters leave.",
    examples=[
        OpenApiExample("Two words", value="refund cancel"),
        OpenApiExample("A phrase", value='"thank you"'),
        OpenApiExample("By side", value="customer:(refund OR cancel) -agent:sorry"),
    ],
)
_WHERE = [
    OpenApiParameter(
        "speaker", str, enum=["agent", "customer"], description="Only what this side says."
    ),
    OpenApiParameter(
        "in",
        str,
        enum=["transcript", "summary", "note"],
        description="Only there. A summary comes with keywords and insights.",
    ),
]
_DESCRIPTION = (
    "Newest call first. What is searched is what is shown: the redacted words of the newest "
    "analysis, its summary, keywords and insights, and the notes of supervisors. Case and accents "
    "make no difference; words are whole words."
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
    tags=["read"],
    parameters=[
        _Q,
        *_WHERE,
        OpenApiParameter("limit", int, description="At most so many calls; up to 100."),
        OpenApiParameter("hits", int, description="At most so many hits a call; up to 100."),
        OpenApiParameter("before", int, description="Take it from `next` of the page before."),
    ],
    examples=[_EXAMPLE],
    responses={
        200: inline_serializer(
            "SearchPage",
            {
                "count": serializers.IntegerField(help_text="Up to 1,000."),
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
    summary="Everything that a search finds as CSV: a row for each hit",
    description=f"{_DESCRIPTION} Cells that a spreadsheet would run begin with an apostrophe.",
    tags=["read"],
    parameters=[_Q, *_WHERE],
    responses={(200, "text/csv"): OpenApiTypes.STR, **_ERRORS},
)
