"""The routes of the event log: read it by offset, or follow it."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from calls import events
from calls.api import event_stream
from calls.api.docs import event_stream as event_stream_docs
from calls.api.docs import events as events_docs
from calls.api.pagination import MAX_LIMIT
from calls.api.parameters import whole_number
from calls.api.views.route import READ, CallRoute
from calls.models import Call
from calls.visibility import active


class EventViewSet(CallRoute):
    """The event log, by offset."""

    filter_backends = []
    scopes: ClassVar = dict.fromkeys(("list", "stream", "of_call"), READ)
    # REST framework wants a queryset. The log is read by offset, through `events.read`.
    queryset = Call.objects.none()
    serializer_class = BaseSerializer

    @events_docs.event_list
    def list(self, request: Request) -> Response:
        after = whole_number(request, "after", default=0, low=0, high=2**63 - 1)
        limit = whole_number(request, "limit", default=100, low=1, high=MAX_LIMIT)
        found = events.read(after=after, limit=limit)
        return Response(
            {
                "epoch": events.epoch(),
                "head": events.head(),
                "results": events.as_messages(filter(active().shows, found)),
                "next_after": found[-1].id if found else after,
            }
        )

    @event_stream_docs.event_stream
    def stream(self, request: Request) -> Response:
        return event_stream.allow(request)

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        # A browser accepts only text/event-stream. Do not answer 406: errors are JSON regardless.
        return super().perform_content_negotiation(request, force or self.action == "stream")

    @events_docs.call_events
    def of_call(self, request: Request, call_id: str) -> Response:
        after = whole_number(request, "after", default=0, low=0, high=2**63 - 1)
        limit = whole_number(request, "limit", default=100, low=1, high=MAX_LIMIT)
        call = self.find_call()
        found = list(call.events.filter(id__gt=after).select_related("call")[:limit])
        return Response(
            {
                "results": events.as_messages(found),
                "next_after": found[-1].id if found else after,
            }
        )
