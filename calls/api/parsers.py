"""Parses request bodies strictly: JSON and newline-delimited JSON. No body causes a 500."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser, JSONParser
from rest_framework.utils.json import strict_constant


def parse_json(text: str, *, where: str = "The body") -> Any:
    """Parse one JSON document. Raises ParseError with the position of the fault."""
    try:
        return json.loads(text, parse_constant=strict_constant)
    except RecursionError as error:
        raise ParseError(f"{where} is nested too deeply.") from error
    except ValueError as error:
        raise ParseError(f"{where} is not valid JSON: {error}") from error


def _text(stream: IO[bytes]) -> str:
    try:
        return stream.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ParseError(f"The body is not UTF-8: byte {error.start} is wrong.") from error


class StrictJSONParser(JSONParser):
    """One JSON document. Refuses NaN, Infinity and very deep nesting."""

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        return parse_json(_text(stream))


class NDJSONParser(BaseParser):
    """One JSON document per line, as an array."""

    media_type = "application/x-ndjson"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        numbered = enumerate(_text(stream).split("\n"), 1)
        lines = [(number, line) for number, line in numbered if line.strip()]
        if len(lines) > settings.BATCH_PACKET_LIMIT:
            raise ParseError(f"A batch has at most {settings.BATCH_PACKET_LIMIT} packets.")
        return [parse_json(line, where=f"Line {number}") for number, line in lines]
