"""Fields that accept exactly one JSON type and name their limits."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from rest_framework import serializers

from calls.description import FieldsRefused, read_fields
from calls.formats.media_types import MEDIA_PATTERN, parse_media
from calls.ingest.call_ids import decode
from calls.ingest.packets import (
    MAX_MEDIA_LENGTH,
)


def read_call_id(addressed: str) -> str:
    """Return the sender's id that an address names. Raises ValidationError if it names none."""
    try:
        return decode(addressed)
    except ValueError as error:
        raise serializers.ValidationError({"call_id": [str(error)]}) from error


def _kind(value: object) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array",
             dict: "object", type(None): "null"}  # fmt: skip
    return names.get(type(value), type(value).__name__)


class StrictIntegerField(serializers.IntegerField):
    """A JSON integer: no string, no boolean, no 1.0."""

    def to_internal_value(self, data: Any) -> int:
        # Not isinstance: true and false are ints in Python.
        if type(data) is not int:
            raise serializers.ValidationError(f"Must be an integer, not {_kind(data)}.")
        return data


class StrictNumberField(serializers.FloatField):
    """A JSON number that a double can hold."""

    def to_internal_value(self, data: Any) -> float:
        if type(data) not in (int, float):
            raise serializers.ValidationError(f"Must be a number, not {_kind(data)}.")
        try:
            number = float(data)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise serializers.ValidationError("Must be a finite number.")
        return number


class StrictStringField(serializers.CharField):
    """A JSON string, stored unchanged, with at most ``max_bytes`` bytes of UTF-8."""

    def __init__(self, *, max_bytes: int | None = None, **kwargs: Any) -> None:
        # An empty string would pass REST framework's check of the smallest length.
        is_blank = not kwargs.get("min_length")
        super().__init__(trim_whitespace=False, allow_blank=is_blank, **kwargs)
        self.max_bytes = max_bytes

    def to_internal_value(self, data: Any) -> str:
        if type(data) is not str:
            raise serializers.ValidationError(f"Must be a string, not {_kind(data)}.")
        return data

    def run_validators(self, value: Any) -> None:
        super().run_validators(value)
        # CharField's validators have refused text that cannot be encoded in UTF-8.
        if self.max_bytes and (size := len(value.encode())) > self.max_bytes:
            raise serializers.ValidationError(
                f"Has {size} bytes; the limit is {self.max_bytes} bytes."
            )


class StrictChoiceField(serializers.ChoiceField):
    """One of several JSON strings. The error lists them and does not echo the invalid value.

    ``read`` turns other words for a choice into the choice, and unknown ones into an empty string.
    """

    def __init__(self, *, read: Callable[[str], str] = str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.read = read

    def to_internal_value(self, data: Any) -> str:
        if type(data) is not str:
            raise serializers.ValidationError(f"Must be a string, not {_kind(data)}.")
        word: str = self.read(data) or data
        if word not in ("", *self.choices):
            raise serializers.ValidationError(f"Must be one of {', '.join(self.choices)}.")
        return word


class CheckedStringField(StrictStringField):
    """A string that is empty, or that ``check`` accepts. ``check`` raises ValueError.

    ``pattern`` describes all but the empty string to readers of the schema.
    """

    def __init__(
        self, *, check: Callable[[str], object] | None, pattern: str = "", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.check = check
        self.pattern = pattern

    def run_validators(self, value: Any) -> None:
        super().run_validators(value)
        if not value or self.check is None:
            return
        try:
            self.check(value)
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error


class MediaField(CheckedStringField):
    """A media format such as ``audio/x-mulaw;rate=8000`` or ``text/plain``."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            check=parse_media,
            pattern=MEDIA_PATTERN,
            max_length=MAX_MEDIA_LENGTH,
            required=False,
            **kwargs,
        )


class StrictSerializer(serializers.Serializer[Any]):
    """A JSON object that is refused if it has a field nobody knows: most likely it is misspelt."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and (unknown := sorted(set(data) - set(self.fields))):
            raise serializers.ValidationError(
                {name: ["There is no such field."] for name in unknown}
            )
        return super().to_internal_value(data)


class CustomValuesField(serializers.DictField):
    """Values of custom fields by name: JSON strings, numbers, or null to leave one out."""

    def to_internal_value(self, data: Any) -> dict[str, str]:
        if not isinstance(data, dict):
            raise serializers.ValidationError(f"Must be an object, not {_kind(data)}.")
        try:
            return read_fields(data)
        except FieldsRefused as error:
            reasons = {name: [reason] for name, reason in error.reasons.items()}
            raise serializers.ValidationError(reasons) from error


class StrictBooleanField(serializers.BooleanField):
    """A JSON true or false: no string, no number."""

    def to_internal_value(self, data: Any) -> bool:
        if type(data) is not bool:
            raise serializers.ValidationError(f"Must be a boolean, not {_kind(data)}.")
        return data
