"""Reads the fields of carriers' messages, which differ in their names and types."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from calls.description import DESCRIBED
from calls.formats.base64_text import decode_base64
from calls.ingest.call_ids import as_call_id, as_external_id
from calls.ingest.packets import MAX_NAME_LENGTH, MAX_SEQUENCE

Fields = Mapping[str, Any]

MAX_DESCRIPTION = 200
MAX_MESSAGE = 1 << 20  # characters of a text message

# Carriers and integrators use these names. The first one present wins.
CALL_ID_NAMES = (
    *("call_id", "callsid", "call_sid", "call_control_id", "callid", "call_uuid", "uuid"),
    *("conversation_uuid", "channel_id"),
)
_UNSET = {"0", "-1"}  # a number that nobody has set
STREAM_NAMES = ("streamsid", "stream_sid", "stream_id", "streamid", "connection_id", "tag")


def as_object(text: str) -> dict[str, Any] | None:
    """Return a JSON object, or None if the text is anything else."""
    if len(text) > MAX_MESSAGE:
        return None
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, ValueError, RecursionError):
        value = _decode_leniently(text)
    return value if isinstance(value, dict) else None


def _decode_leniently(text: str) -> Any:
    """Decode what msgspec refuses for one value: half of an emoji in a name, or 1e999."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def as_number(value: Any) -> int | None:
    """Return a whole number sent as a number or as a string, or None."""
    number = as_float(value)
    if number is None or not number.is_integer() or not 0 <= number <= MAX_SEQUENCE:
        return None
    return int(number)


def as_float(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def as_text(value: Any, limit: int = MAX_DESCRIPTION) -> str:
    """Return a simple value as text that every database can store; otherwise an empty string."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    clean = str(value).replace("\0", "").encode("utf-8", "replace").decode()
    return clean.strip()[:limit]


def as_list(value: Any) -> list[Any]:
    """Return a list; an empty one if the value is anything else."""
    return value if isinstance(value, list) else []


def as_payload(value: Any) -> bytes | None:
    """Return the bytes of base64, or None."""
    return decode_base64(value) if isinstance(value, str) else None


def _first_id(fields: Fields, names: Iterable[str]) -> str:
    """Return the first id as it was sent: shortened or trimmed, two ids could become one."""
    texts = (str(value) for name in names if _is_id(value := fields.get(name)))
    return next((text for text in texts if text not in _UNSET and as_call_id(text)), "")


def _is_id(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def merged(*sources: Any) -> dict[str, Any]:
    """Merge objects under lower-case names with underscores. The first value of a name wins."""
    found: dict[str, Any] = {}
    for source in sources:
        for name, value in source.items() if isinstance(source, dict) else ():
            if value not in (None, ""):
                found.setdefault(str(name).lower().replace("-", "_"), value)
    return found


def first(fields: Fields, names: Iterable[str], limit: int = MAX_DESCRIPTION) -> str:
    return next((text for name in names if (text := as_text(fields.get(name), limit))), "")


def call_id_of(fields: Fields) -> str:
    return as_call_id(_first_id(fields, CALL_ID_NAMES))


def stream_of(fields: Fields) -> str:
    name = _first_id(fields, STREAM_NAMES)
    return name if len(name) <= MAX_NAME_LENGTH and as_text(name) == name else as_call_id(name)


def description_of(fields: Fields) -> tuple[dict[str, str], list[str]]:
    """Return the arguments for ``start_call`` that are present, and remarks about unknown words."""
    description: dict[str, str] = {}
    remarks: list[str] = []
    for each in DESCRIBED:
        said = first(fields, each.carrier_names, each.max_length)
        if read := each.from_carrier(said):
            description[each.name] = read
        elif said:
            remarks.append(f"The sender's {each.name} is not known: “{said[:60]}”.")
    if external := as_external_id(_first_id(fields, CALL_ID_NAMES)):
        description["external_id"] = external
    return description, remarks


def pairs_of(value: Any) -> dict[str, Any]:
    """Read custom data: an object, one in JSON or base64, or ``name=value;name=value``."""
    if isinstance(value, dict):
        return value
    if not isinstance(value, str) or len(value) > MAX_MESSAGE:
        return {}
    found = as_object(value) or dict(_pairs(value))
    if found:
        return found
    decoded = (as_payload(value) or b"").decode("utf-8", "replace")
    return as_object(decoded) or dict(_pairs(decoded))


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for part in re.split(r"[;,&]", text):
        name, equals, value = part.partition("=")
        if equals and re.fullmatch(r"\s*[\w-]{1,100}\s*", name) and value.strip("= "):
            yield re.sub(r"^x-ph-", "", name.strip(), flags=re.IGNORECASE), value.strip()
