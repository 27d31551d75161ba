"""Translates exceptions into HTTP responses: below /v1 always JSON, with a status and a reason."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import NON_FIELD_ERRORS
from django.core.exceptions import ValidationError as InvalidModel
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views import defaults
from rest_framework import status
from rest_framework.exceptions import (
    APIException,
    NotFound,
    PermissionDenied,
    ValidationError,
)
from rest_framework.response import Response
from rest_framework.views import exception_handler

from calls.alerts.handling import AlertClosed, BadSnooze, CannotHandle
from calls.alerts.services import AlertNotFound
from calls.annotations import AnnotationRefused, NotThere, NotYours
from calls.erasure.services import ErasureRefused
from calls.holds.services import HoldRefused, NotHeld, OnHold
from calls.ingest.buffer import RETRY_AFTER_S
from calls.ingest.requests import Unavailable
from calls.outage import is_outage
from calls.services import CallNotFound, NotPossible

Refusal = AnnotationRefused | HoldRefused | ErasureRefused | CannotHandle | BadSnooze | InvalidModel


class Conflict(APIException):
    status_code = status.HTTP_409_CONFLICT


class TryAgain(APIException):
    """503 with Retry-After: nothing was stored, and the same request may be sent again."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    wait = RETRY_AFTER_S


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """Django REST framework's exception handler. Exceptions not listed here stay a 500."""
    match error:
        case CallNotFound() | AlertNotFound() | NotThere() | NotHeld():
            error = NotFound(str(error))
        case NotPossible() | AlertClosed():
            error = Conflict({"detail": str(error), "state": error.state})
        case NotYours():
            error = PermissionDenied(str(error))
        case OnHold():
            error = Conflict(str(error))
        case (
            AnnotationRefused()
            | HoldRefused()
            | ErasureRefused()
            | CannotHandle()
            | BadSnooze()
            | InvalidModel()
        ):
            error = ValidationError(_by_field(error))
        case Unavailable():
            error = TryAgain(str(error))
        case DatabaseError() if is_outage(error):
            error = TryAgain("The database is not available. Send the request again.")
    return exception_handler(error, context)


def _by_field(error: Refusal) -> dict[str, list[str]]:
    """Return the reasons for a refusal, by the field of the request that they are about."""
    match error:
        case AnnotationRefused() | HoldRefused() | ErasureRefused():
            return {error.field: [str(error)]}
        case CannotHandle():
            return {"to": [str(error)]}
        case BadSnooze():
            return {"until": [str(error)]}
    found = error.message_dict if hasattr(error, "error_dict") else {"detail": error.messages}
    return {("detail" if name == NON_FIELD_ERRORS else name): found[name] for name in found}


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 404 for unknown addresses: JSON below /v1, a page elsewhere."""
    if is_api(request):
        detail = f"There is nothing at {request.path}. The API is described at {reverse('docs')}."
        return _json(detail, 404)
    return render(request, "404.html", status=404)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 400 for requests that Django refuses itself: unknown hosts, too many parameters."""
    if is_api(request):
        detail = "The request is not valid: its host is unknown, or it has too many parameters."
        return _json(detail, 400)
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 403 for what a middleware forbids."""
    if is_api(request):
        return _json("This is not allowed.", 403)
    return defaults.permission_denied(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500 for a bug of ours. The log has the traceback."""
    if is_api(request):
        detail = "The server failed. Its log has the details."
        return _json(detail, 500)
    return defaults.server_error(request)


def _json(detail: str, status: int) -> JsonResponse:
    response = JsonResponse({"detail": detail}, status=status)
    # What is refused before any middleware has run does not get a length from one.
    response["Content-Length"] = str(len(response.content))
    return response


def is_api(request: HttpRequest) -> bool:
    """Return whether the request asks for the API, which answers with JSON only."""
    return f"{request.path}/".startswith(f"{settings.PATH_PREFIX}/v1/")
