"""Agents and queues as they are now, with the figures of today."""

from __future__ import annotations

from typing import ClassVar

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.utils.urls import replace_query_param

from calls.api.docs import people as docs
from calls.api.parameters import whole_number
from calls.api.serializers.reports import shown_card
from calls.api.views.route import READ, CallRoute
from calls.models import Call
from calls.reports.cards import read_cards
from calls.reports.figures import By

DEFAULT_LIMIT, MAX_LIMIT, MAX_OFFSET = 100, 1000, 100_000


class PeopleViewSet(CallRoute):
    """Answers with a row for each agent or queue, by name."""

    filter_backends = []
    scopes: ClassVar = dict.fromkeys(("agents", "queues"), READ)
    # REST framework wants a queryset, although these rows are put together from several.
    queryset = Call.objects.none()
    serializer_class = BaseSerializer

    @docs.agents_now
    def agents(self, request: Request) -> Response:
        return _page(request, "agent")

    @docs.queues_now
    def queues(self, request: Request) -> Response:
        return _page(request, "queue")


def _page(request: Request, by: By) -> Response:
    limit = whole_number(request, "limit", default=DEFAULT_LIMIT, low=1, high=MAX_LIMIT)
    offset = whole_number(request, "offset", default=0, low=0, high=MAX_OFFSET)
    now = timezone.now()
    cards = sorted(read_cards(by, now=now), key=lambda card: (card.name.casefold(), card.name))
    following = offset + limit if len(cards) > offset + limit else None
    address = request.build_absolute_uri()
    return Response(
        {
            "at": now,
            "time_zone": timezone.get_current_timezone_name(),
            "count": len(cards),
            "next": replace_query_param(address, "offset", following) if following else None,
            "results": [shown_card(by, card) for card in cards[offset : offset + limit]],
        }
    )
