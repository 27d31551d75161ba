"""Bodies and responses that many operations share, and the description of API keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerExtension
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    inline_serializer,
)
from rest_framework import serializers

from calls.lifecycle import CallState
from calls.models import CALL_ID_RULE

F = TypeVar("F", bound=Callable[..., Any])
BOM = OpenApiParameter(
    "bom",
    bool,
    default=False,
    description="`true`: begin with a byte order mark, by which Excel recognises UTF-8.",
)
CALL_ID = OpenApiParameter(
    "call_id",
    {"type": "string"},
    OpenApiParameter.PATH,
    description=(
        f"The call's id in the phone system: {CALL_ID_RULE}. Any other id, such as a SIP "
        "Call-ID, is sent percent-encoded (`/` as `%2F`), or as `b64:` and its base64url. It "
        "becomes the call's `external_id`."
    ),
)


class WrittenSerializer(serializers.Serializer[Any]):
    """A body without fixed fields, whose schema is written by hand."""

    written: ClassVar[dict[str, Any]] = {}


class WrittenSchema(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    target_class = WrittenSerializer
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        return {"type": "object", **self.target.written}


class InvalidRequestSerializer(WrittenSerializer):
    written: ClassVar[dict[str, Any]] = {
        "description": "The reasons by field, or one reason as `detail`.",
        "additionalProperties": {},
    }


class CustomValuesSerializer(WrittenSerializer):
    written: ClassVar[dict[str, Any]] = {
        "description": "Values of custom fields, by name.",
        "additionalProperties": {
            "oneOf": [{"type": "string"}, {"type": "number"}],
            "nullable": True,
        },
    }


def answer(name: str, **fields: serializers.Field[Any, Any, Any, Any]) -> Any:
    return inline_serializer(name, fields)


def text() -> serializers.CharField:
    return serializers.CharField()


def call_state(*, required: bool = True) -> serializers.ChoiceField:
    return serializers.ChoiceField(choices=CallState.choices, required=required)


_detail = answer("Error", detail=text())
_conflict = answer(
    "Conflict",
    detail=text(),
    state=serializers.CharField(required=False, help_text="The state that does not allow it."),
)


def error(description: str, example: dict[str, Any]) -> OpenApiResponse:
    name = f"Like {next(iter(example))}"
    return OpenApiResponse(_body(example), description, [OpenApiExample(name, value=example)])


def _body(example: dict[str, Any]) -> Any:
    if "detail" not in example:
        return InvalidRequestSerializer
    return _conflict if "state" in example else _detail


MALFORMED = error(
    "Malformed. The response names each wrong field and the reason.",
    {"sequence": ["Must be an integer, not string."], "data": ["This field is required."]},
)
UNAUTHORISED = error("The key is missing or not valid.", {"detail": "This API key is not valid."})
FORBIDDEN = error("The key lacks the scope.", {"detail": "This API key lacks the scope 'ingest'."})
UNKNOWN = error("There is no such call.", {"detail": "There is no call 4711."})
METHOD = error("Wrong method.", {"detail": 'Method "GET" not allowed.'})
TOO_LARGE = error(
    "The body is over 4 MiB.", {"detail": "The body is larger than the limit of 4194304 bytes."}
)
MEDIA_TYPE = error(
    "Not JSON, or compressed.",
    {"detail": 'Unsupported media type "text/plain" in request.'},
)
BUSY = error(
    "Overloaded, or the database is not available. Nothing was stored. Wait `Retry-After` seconds.",
    {"detail": "The database is not available. Nothing was stored. Send the request again."},
)
CONFLICT = error(
    "The state of the call does not allow it.",
    {"detail": "A call that is archived cannot be retried.", "state": "ARCHIVED"},
)
_BAD_ID = error(
    "Not a call id.",
    {"call_id": ["'undefined' is not a call id: it is reserved or a placeholder."]},
)
READ_ERRORS = {
    400: _BAD_ID,
    401: UNAUTHORISED,
    403: FORBIDDEN,
    404: UNKNOWN,
    405: METHOD,
    503: BUSY,
}
WRITE_ERRORS = {
    400: MALFORMED,
    401: UNAUTHORISED,
    403: FORBIDDEN,
    405: METHOD,
    413: TOO_LARGE,
    415: MEDIA_TYPE,
    503: BUSY,
}


def without(responses: dict[int, Any], code: int) -> dict[int, Any]:
    return {each: answer for each, answer in responses.items() if each != code}


LIST_ERRORS = {**without(READ_ERRORS, 404), 400: MALFORMED}


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "calls.api.authentication.ApiKeyAuthentication"
    name = "API key"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "Made by `manage.py create_api_key`. Can also be sent as `X-API-Key`.",
        }
