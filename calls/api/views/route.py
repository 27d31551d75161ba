"""The base class of all views: checks call ids, bodies and permissions."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from rest_framework import viewsets
from rest_framework.exceptions import (
    NotAuthenticated,
    UnsupportedMediaType,
)
from rest_framework.request import Request

from calls.api.serializers.fields import read_call_id
from calls.ingest.call_ids import as_call_id, as_external_id
from calls.models import ApiKey

INGEST, READ, OPERATE = ApiKey.Scope.INGEST, ApiKey.Scope.READ, ApiKey.Scope.OPERATE


class CallRoute(viewsets.GenericViewSet[Any]):
    """Reads the call id in the address, and refuses compressed bodies.

    ``external_id`` is the id in the address, if the call id was made of it.
    """

    external_id = ""

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        # A chunked body has no Content-Length, which REST framework reads as no body.
        if "CONTENT_LENGTH" not in request.META:
            request.META["CONTENT_LENGTH"] = str(len(request.body))
        return super().initialize_request(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        encoding = request.headers.get("Content-Encoding", "identity")
        if encoding != "identity":
            raise UnsupportedMediaType(encoding, f"Content-Encoding {encoding!r} is not supported.")
        if "call_id" in kwargs:
            addressed = read_call_id(kwargs["call_id"])
            self.external_id = as_external_id(addressed)
            # The handler gets these very arguments.
            self.kwargs["call_id"] = as_call_id(addressed)

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        # Never 406: a packet would be lost for the form of its answer. Whatever a client accepts,
        # it gets JSON if there is nothing else. Only a `?format=` that does not exist is refused.
        accept_any = "format" not in request.query_params
        return super().perform_content_negotiation(request, force or accept_any)

    def permission_denied(
        self, request: Request, message: str | None = None, code: str | None = None
    ) -> Any:
        if not request.user.is_authenticated:
            raise NotAuthenticated("Send an API key as `Authorization: Bearer KEY`, or log in.")
        super().permission_denied(request, message, code)


def who(request: Request) -> str:
    """Return the name of the person or key for the event log; empty if the API is open."""
    return str(request.user) if request.user.is_authenticated else ""
