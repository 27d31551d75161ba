"""The base class of all views: checks call ids, bodies and permissions."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, ClassVar, NoReturn

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest
from rest_framework import viewsets
from rest_framework.exceptions import (
    NotAuthenticated,
    NotFound,
    PermissionDenied,
    UnsupportedMediaType,
)
from rest_framework.metadata import SimpleMetadata
from rest_framework.request import Request

from calls.alerts.services import AlertNotFound
from calls.api.pagination import MAX_KEY
from calls.api.serializers.fields import read_call_id
from calls.api.throttling import TooMany
from calls.ingest.call_ids import as_call_id, as_external_id
from calls.keys import ApiClient
from calls.keys.limits import told
from calls.models import Alert, ApiKey, Call
from calls.services import CallNotFound
from calls.visibility import (
    EVERYTHING,
    VIEW_ALL,
    Sight,
    active,
    in_sight,
    is_alert_in_sight,
    is_in_sight,
    looking_lazily,
    sight_of,
)

INGEST, READ, SUPERVISE, ADMIN = (
    ApiKey.Scope.INGEST,
    ApiKey.Scope.READ,
    ApiKey.Scope.SUPERVISE,
    ApiKey.Scope.ADMIN,
)


MOST_DIGITS = 30
NUMBERS = {"number", "alert_id", "note_id"}


def _read_number(text: str) -> int:
    """Read the number of a row in an address. More than 64 bits would be a database error."""
    if not (text.isascii() and text.isdigit()):
        raise NotFound(f"{text[:40]!r} is not a number.")
    return min(int(text[:MOST_DIGITS]), MAX_KEY)


class RouteMetadata(SimpleMetadata):
    """Describes a route to OPTIONS. The schema describes its bodies."""

    def determine_actions(self, request: Request, view: Any) -> dict[str, Any]:
        # REST framework would look for a row, by an address that only the actions can read.
        return {}


class Reach(Enum):
    CALLS = "the calls in sight"
    SITE = "the whole site: not for keys that are limited to teams"
    ALL_CALLS = "all calls: only for who sees all of them"


class CallRoute(viewsets.GenericViewSet[Any]):
    """Reads the call id in the address, and refuses compressed bodies.

    ``external_id`` is the id in the address, if the call id was made from it. ``scopes`` names the
    scope that a key needs for each action; an action without one is refused. ``permissions`` names
    the permission that a logged-in person needs, where that of the scope will not do, as for
    the scope admin. ``reach`` says whether a route is about more than the calls that somebody sees:
    whoever sets up the site could otherwise read the calls of all teams by a key or a webhook.
    """

    metadata_class = RouteMetadata
    external_id = ""
    is_about_stored_calls = True
    reach = Reach.CALLS
    scopes: ClassVar[Mapping[str, ApiKey.Scope]] = {}
    permissions: ClassVar[Mapping[str, str]] = {}

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        # A chunked body has no Content-Length, which REST framework reads as no body.
        if "CONTENT_LENGTH" not in request.META:
            request.META["CONTENT_LENGTH"] = str(len(request.body))
        return super().initialize_request(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self._check_reach(request)
        encoding = request.headers.get("Content-Encoding", "identity")
        if encoding != "identity":
            raise UnsupportedMediaType(encoding, f"Content-Encoding {encoding!r} is not supported.")
        if "call_id" in kwargs:
            addressed = read_call_id(kwargs["call_id"])
            self.external_id = as_external_id(addressed)
            # The handler gets these very arguments.
            self.kwargs["call_id"] = as_call_id(addressed)
        for name in NUMBERS & kwargs.keys():
            self.kwargs[name] = _read_number(kwargs[name])
        if "call_id" in kwargs:
            self._check_sight("call_id", is_in_sight, CallNotFound, "call")
        if "alert_id" in kwargs:
            self._check_sight("alert_id", is_alert_in_sight, AlertNotFound, "alert")

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        with looking_lazily(lambda: sight_of_request(self.request)):
            return super().dispatch(request, *args, **kwargs)

    def filter_queryset(self, queryset: Any) -> Any:
        """Filter a list, and leave out what is about calls out of sight."""
        prefix = {Call: "", Alert: "call__"}.get(queryset.model)
        return super().filter_queryset(queryset if prefix is None else in_sight(queryset, prefix))

    def find_call(self, calls: QuerySet[Call] | None = None) -> Call:
        """Return the call in the address. Raises CallNotFound."""
        wanted = self.kwargs["call_id"]
        found = (Call.objects.all() if calls is None else calls).filter(call_id=wanted).first()
        if found is None:
            raise CallNotFound(f"There is no call {wanted}.")
        return found

    def _check_reach(self, request: Request) -> None:
        if self.reach is Reach.CALLS or settings.API_AUTH == "open":
            return
        if isinstance(request.user, ApiClient) and request.user.teams is not None:
            raise PermissionDenied("This API key is limited to teams: it may not do this.")
        if self.reach is Reach.ALL_CALLS and not active().is_all:
            raise PermissionDenied(f"Your account lacks the permission {VIEW_ALL}.")

    def _check_sight(self, name: str, check: Any, error: type[Exception], noun: str) -> None:
        """Answer as if it did not exist. Packets are taken for any call."""
        wanted = self.kwargs[name]
        if self.is_about_stored_calls and not check(wanted):
            raise error(f"There is no {noun} {wanted}.")

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        # Never 406: a packet would be lost for the form of its response. Whatever a client accepts,
        # it gets JSON if there is nothing else. Only a `?format=` that does not exist is refused.
        accept_any = "format" not in request.query_params
        return super().perform_content_negotiation(request, force or accept_any)

    def throttled(self, request: Request, wait: float | None) -> NoReturn:
        raise TooMany(told(wait or 0.0), wait_s=wait or 0.0)

    def permission_denied(
        self, request: Request, message: str | None = None, code: str | None = None
    ) -> Any:
        if settings.API_AUTH == "open":
            raise PermissionDenied(message)
        if not request.user.is_authenticated:
            raise NotAuthenticated("Send an API key as `Authorization: Bearer KEY`, or log in.")
        super().permission_denied(request, message, code)


def sight_of_request(request: Request) -> Sight:
    """Return what the person or key of a request sees. An open API hides nothing."""
    return EVERYTHING if settings.API_AUTH == "open" else sight_of(request.user)


def who(request: Request) -> str:
    """Return the name of the person or key for the event log; empty if the API is open."""
    return str(request.user) if request.user.is_authenticated else ""


def read_body(serializer_class: Any, request: Request, *, partial: bool = False) -> dict[str, Any]:
    """Return the checked fields of the body. With ``partial``, none of them is required."""
    serializer = serializer_class(data=request.data, partial=partial)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)
