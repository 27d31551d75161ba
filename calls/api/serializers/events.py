"""Entries of the event log."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class EventSerializer(serializers.Serializer[dict[str, Any]]):
    """One entry of the event log, the same on every interface."""

    type = serializers.CharField()
    call_id = serializers.CharField(allow_null=True)
    state = serializers.CharField()
    offset = serializers.IntegerField()
    at = serializers.DateTimeField()

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {**super().get_fields(), "data": serializers.DictField()}
