"""The schema of each operation: the scope that it needs, and what its responses really hold."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import FieldDoesNotExist
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import is_list_serializer
from rest_framework import serializers

from calls.api.serializers.fields import CheckedStringField, StrictSerializer

_DETAIL = "This API key has used up its limit. Send the request again in 1 s."
LIMITED = {
    "description": "The key has used up its limit. Nothing was done. Wait `Retry-After` seconds.",
    "headers": {"Retry-After": {"schema": {"type": "integer"}, "description": "In seconds."}},
    "content": {
        "application/json": {
            "schema": {"$ref": "#/components/schemas/Error"},
            "examples": {"Limited": {"value": {"detail": _DETAIL}}},
        }
    },
}


class ScopedSchema(AutoSchema):
    """Adds the scope to the description, for people, and as ``x-scope``, for programs."""

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        operation: Any = super().get_operation(*args, **kwargs)
        scope = getattr(self.view, "scopes", {}).get(getattr(self.view, "action", None))
        body = (operation or {}).get("requestBody", {})
        if any("minItems" in media["schema"] for media in body.get("content", {}).values()):
            body["required"] = True
        if operation and scope:
            described = operation.get("description", "").rstrip()
            operation["description"] = f"{described}\n\nNeeds the scope `{scope}`.".lstrip()
            operation["x-scope"] = str(scope)
            operation["responses"]["429"] = LIMITED
        return operation

    def _is_list_view(self, serializer: Any = None) -> bool:
        # Otherwise every response of an action called "list" is taken for an array.
        if isinstance(serializer, serializers.BaseSerializer):
            return bool(is_list_serializer(serializer))
        return bool(super()._is_list_view(serializer))

    def _map_serializer_field(self, field: Any, direction: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(field, serializers.ChoiceField) and field.read_only:
            field.allow_blank = field.allow_blank or _is_blank_column(field)
        map_field: Any = super()._map_serializer_field
        schema = map_field(field, direction, *args, **kwargs)
        if isinstance(field, CheckedStringField) and field.pattern:
            schema["pattern"] = field.pattern
        return schema

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> Any:
        map_serializer: Any = super()._map_basic_serializer
        schema = map_serializer(serializer, direction)
        if isinstance(serializer, StrictSerializer) and schema:
            schema["additionalProperties"] = False
        return schema


def _is_blank_column(field: Any) -> bool:
    """Whether the column behind a choice may be empty. Read-only fields do not say."""
    model = getattr(getattr(field.parent, "Meta", None), "model", None)
    try:
        return bool(model and model._meta.get_field(field.source).blank)  # noqa: SLF001 (public)
    except FieldDoesNotExist:
        return False
