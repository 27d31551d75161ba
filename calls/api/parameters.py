"""Reads query parameters strictly: invalid values are refused, never guessed."""

from __future__ import annotations

from collections.abc import Sequence

from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

YES_OR_NO = {"true": True, "false": False}


def whole_number(request: Request, name: str, *, default: int, low: int, high: int) -> int:
    """Read an integer. Raises ValidationError with the parameter and its limits."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if not is_number(text) or not low <= int(text) <= high:
        raise ValidationError({name: [f"Must be a whole number from {low} to {high}."]})
    return int(text)


def yes_or_no(request: Request, name: str, *, default: bool) -> bool:
    """Read ``true`` or ``false``. Raises ValidationError with the parameter."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if text not in YES_OR_NO:
        raise ValidationError({name: ["Must be true or false."]})
    return YES_OR_NO[text]


def one_of(request: Request, name: str, choices: Sequence[str], *, default: str) -> str:
    """Read one of the choices. Raises ValidationError that lists them."""
    text = request.query_params.get(name, "") or default
    if text not in choices:
        raise ValidationError({name: [f"Must be one of {', '.join(choices)}."]})
    return text


def is_number(text: str) -> bool:
    """Whether the text is a decimal number of at most 19 digits, like every database key."""
    # isascii: "²" is a digit as well, but not for int().
    return text.isascii() and text.isdigit() and len(text) < 20
