"""The routes of actions on many calls: start, follow and stop them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import QueryDict
from rest_framework import status
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from calls.actions import ACTIONS, OPERATE
from calls.actions.bulk import LIMIT, TooMany, start_bulk, stop_bulk
from calls.api.authentication import find_lack
from calls.api.docs import bulk as docs
from calls.api.filters import CallFilter
from calls.api.serializers.bulk import BulkProgressSerializer, BulkSerializer, NewBulkSerializer
from calls.api.views.administration import AdministrationRoute
from calls.api.views.route import READ, SUPERVISE, read_body, who
from calls.ingest.call_ids import find_call_id
from calls.models import BulkAction, Call
from calls.visibility import active, in_sight


class BulkViewSet(AdministrationRoute):
    """Actions on many calls."""

    queryset = BulkAction.objects.order_by("-id")
    serializer_class = BulkSerializer
    noun = "bulk action"
    scopes: ClassVar = {"list": READ, "retrieve": READ, "create": SUPERVISE, "stop": SUPERVISE}
    permissions: ClassVar = dict.fromkeys(("list", "retrieve"), OPERATE)

    def get_queryset(self) -> Any:
        """All actions, or only their own for people who do not see all calls."""
        actions = super().get_queryset()
        return actions if active().is_all else actions.filter(by=who(self.request))

    @docs.bulk_list
    def list(self, request: Request) -> Response:
        return self.page(self.get_queryset(), BulkSerializer)

    @docs.bulk_detail
    def retrieve(self, request: Request, number: int) -> Response:
        return Response(BulkProgressSerializer(self.row(number)).data)

    @docs.bulk_start
    def create(self, request: Request) -> Response:
        wanted = read_body(NewBulkSerializer, request)
        action = ACTIONS[wanted["action"]]
        # Some actions need more than the scope of this route.
        if refusal := find_lack(request, scope=action.scope, permission=action.permission):
            raise PermissionDenied(refusal)
        try:
            started = start_bulk(
                kind=wanted["action"],
                call_ids=_call_ids(wanted),
                by=who(request),
                stage=wanted.get("stage", ""),
                tag=wanted.get("tag", ""),
                reason=wanted.get("reason", ""),
                token=wanted.get("token"),
            )
        except TooMany as error:
            raise ValidationError({next(iter(wanted.keys() & SELECTING)): [str(error)]}) from error
        return Response(BulkProgressSerializer(started).data, status=status.HTTP_201_CREATED)

    @docs.bulk_stop
    def stop(self, request: Request, number: int) -> Response:
        action = self.row(number)
        stop_bulk(action_pk=action.pk, by=who(request))
        return Response(BulkProgressSerializer(self.row(number)).data)


SELECTING = {"call_ids", "filter"}


def _call_ids(wanted: dict[str, Any]) -> list[str]:
    """Return the ids of the calls, oldest first. Raises ValidationError."""
    if "call_ids" in wanted:
        # An unknown call gets an outcome of its own: refused, because there is no such call.
        return [find_call_id(each) for each in wanted["call_ids"]]
    query = QueryDict(mutable=True)
    for name, value in wanted["filter"].items():
        query.setlist(name, [_text(name, one) for one in _as_list(value)])
    known = CallFilter.base_filters
    if unknown := sorted(query.keys() - set(known)):
        raise ValidationError({"filter": [f"There is no parameter {unknown[0]}."]})
    found = CallFilter(query, queryset=in_sight(Call.objects.all()))
    if not found.is_valid():
        problems = [f"{name}: {' '.join(texts)}" for name, texts in found.errors.items()]
        raise ValidationError({"filter": problems})
    return list(found.qs.order_by("pk").values_list("call_id", flat=True)[: LIMIT + 1])


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | int | float):
        raise ValidationError({"filter": [f"{name}: must be a string, a number or a boolean."]})
    text = str(value)
    if "\0" in text or not text.isprintable():
        raise ValidationError({"filter": [f"{name}: has characters that cannot be printed."]})
    return text
