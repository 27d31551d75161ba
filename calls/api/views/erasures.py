"""The routes of erasures: ask for one, and see how far it is."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from rest_framework import status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from calls.api.docs import erasures as docs
from calls.api.serializers.erasures import ErasureSerializer, NewErasureSerializer
from calls.api.views.route import CallRoute, Reach, read_body, who
from calls.erasure.plan import Plan, make_plan
from calls.erasure.services import ERASE, check_request, start_and_queue
from calls.holds.services import read_reason
from calls.models import ApiKey, Erasure


class ErasureViewSet(CallRoute):
    """Erases everything of a customer, or of given calls."""

    queryset = Erasure.objects.all()
    serializer_class = ErasureSerializer
    filter_backends = []
    pagination_class = None
    reach = Reach.ALL_CALLS
    scopes: ClassVar = {"create": ApiKey.Scope.ADMIN, "retrieve": ApiKey.Scope.ADMIN}
    permissions: ClassVar[dict[str, str]] = {"create": ERASE, "retrieve": ERASE}

    @docs.erasure_start
    def create(self, request: Request) -> Response:
        given = read_body(NewErasureSerializer, request)
        call_ids, numbers = check_request(call_ids=given["call_ids"], numbers=given["numbers"])
        reason = read_reason(given["reason"])
        plan = make_plan(call_ids=call_ids, numbers=numbers)
        if given["dry_run"]:
            return Response({"id": None, "state": "planned", "counts": {}, **_planned(plan)})
        erasure = start_and_queue(
            call_ids=call_ids, numbers=numbers, reason=reason, by=who(request)
        )
        shown = {**ErasureSerializer(erasure).data, **_planned(plan)}
        return Response(shown, status=status.HTTP_202_ACCEPTED)

    @docs.erasure_detail
    def retrieve(self, request: Request, erasure_id: str) -> Response:
        return Response(ErasureSerializer(_find(erasure_id)).data)


def _find(erasure_id: str) -> Erasure:
    try:
        return Erasure.objects.get(pk=UUID(erasure_id))
    except (ValueError, Erasure.DoesNotExist):
        raise NotFound(f"There is no erasure {erasure_id}.") from None


def _planned(plan: Plan) -> dict[str, int]:
    return {"calls": plan.calls, "held": len(plan.held), "waiting": plan.busy}
