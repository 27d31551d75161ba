"""Searches calls by what was said in them: pages of JSON, or all results as CSV."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from calls.api import downloads
from calls.api.docs import search as search_docs
from calls.api.filters import CallFilter
from calls.api.pagination import MAX_KEY
from calls.api.parameters import one_of, whole_number, yes_or_no
from calls.api.serializers.calls import CallSerializer
from calls.api.serializers.search import FoundCallSerializer
from calls.api.views.route import READ, CallRoute
from calls.models import Call
from calls.search.find import COUNT_LIMIT, Found, Search
from calls.search.query import NotUnderstood, parse
from calls.search.scope import PLACES, SPEAKERS, sides_of

DEFAULT_LIMIT, MAX_LIMIT = 20, 100
DEFAULT_HITS, MAX_HITS = 3, 100


class SearchViewSet(CallRoute):
    """Finds calls. Takes the same filters as the list of calls."""

    queryset = Call.objects.all()
    filterset_class = CallFilter
    serializer_class = FoundCallSerializer
    scopes: ClassVar = dict.fromkeys(("list", "table"), READ)

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        # A client may accept only text/csv. Do not answer 406: errors are JSON regardless.
        return super().perform_content_negotiation(request, force or self.action == "table")

    @search_docs.search
    def list(self, request: Request) -> Response:
        limit = whole_number(request, "limit", default=DEFAULT_LIMIT, low=1, high=MAX_LIMIT)
        hits = whole_number(request, "hits", default=DEFAULT_HITS, low=1, high=MAX_HITS)
        before = whole_number(request, "before", default=MAX_KEY, low=1, high=MAX_KEY)
        listed = (
            Call.objects.with_note_count()
            .with_open_alerts()
            .prefetch_related("tags", "field_values")
        )
        search = self._search(request, listed)
        page = search.read_page(size=limit, before=before, hits=hits)
        count = search.count()
        address = request.build_absolute_uri()
        return Response(
            {
                "count": min(count, COUNT_LIMIT),
                "count_is_exact": count <= COUNT_LIMIT,
                "next": replace_query_param(address, "before", page.next) if page.next else None,
                "results": [_shown(found) for found in page.found],
            }
        )

    @search_docs.table
    def table(self, request: Request) -> HttpResponseBase:
        return downloads.found_table(
            self._search(request, Call.objects.all()), bom=yes_or_no(request, "bom", default=False)
        )

    def _search(self, request: Request, calls: QuerySet[Call]) -> Search:
        """Read the query and its filters. Raises ValidationError."""
        speaker = one_of(request, "speaker", SPEAKERS, default="")
        place = one_of(request, "in", PLACES, default="")
        try:
            sides = sides_of(speaker=speaker, place=place)
            return Search(
                self.filter_queryset(calls), parse(request.query_params.get("q", ""), sides=sides)
            )
        except NotUnderstood as error:
            raise ValidationError({"q": [str(error)]}) from error


def _shown(found: Found) -> dict[str, Any]:
    hits = found.hits
    return {
        **CallSerializer(found.call).data,
        "hit_count": hits.count if hits else 0,
        "hits": [
            {
                "where": hit.where,
                "name": hit.name or None,
                "note": hit.note,
                "turn": hit.turn,
                "begin_ms": hit.begin_ms,
                "end_ms": hit.end_ms,
                "sentiment": hit.sentiment or None,
                "text": hit.excerpt.text,
                "matches": hit.excerpt.spans,
            }
            for hit in (hits.best if hits else ())
        ],
    }
