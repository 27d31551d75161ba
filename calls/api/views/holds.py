"""The routes of legal holds: read, set and release the hold on a call."""

from __future__ import annotations

from typing import ClassVar

from rest_framework import status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from calls.api.docs import holds as docs
from calls.api.serializers.holds import HoldSerializer, NewHoldSerializer
from calls.api.views.route import READ, CallRoute, read_body, who
from calls.holds.services import HOLD, find_hold, release_hold, set_hold
from calls.models import ApiKey, LegalHold


class HoldViewSet(CallRoute):
    """Reads, sets and releases the legal hold on one call."""

    queryset = LegalHold.objects.all()
    serializer_class = HoldSerializer
    filter_backends = []
    pagination_class = None
    scopes: ClassVar = {
        "retrieve": READ,
        "update": ApiKey.Scope.SUPERVISE,
        "destroy": ApiKey.Scope.SUPERVISE,
    }
    permissions: ClassVar[dict[str, str]] = {"update": HOLD, "destroy": HOLD}

    @docs.hold_detail
    def retrieve(self, request: Request, call_id: str) -> Response:
        hold = find_hold(self.find_call())
        if hold is None:
            raise NotFound(f"Call {call_id} is not on legal hold.")
        return Response(HoldSerializer(hold).data)

    @docs.hold_set
    def update(self, request: Request, call_id: str) -> Response:
        reason = read_body(NewHoldSerializer, request)["reason"]
        hold = set_hold(call_id=call_id, reason=reason, by=who(request))
        return Response(HoldSerializer(hold).data)

    @docs.hold_release
    def destroy(self, request: Request, call_id: str) -> Response:
        release_hold(call_id=call_id, by=who(request))
        return Response(status=status.HTTP_204_NO_CONTENT)
