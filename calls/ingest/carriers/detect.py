"""Chooses the protocol family from the first messages of a socket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from calls.ingest.carriers import Event, Malformed, Parser, Start
from calls.ingest.carriers.audiocodes import AudioCodesParser, is_audiocodes
from calls.ingest.carriers.audiohook import AudioHookParser, is_audiohook
from calls.ingest.carriers.envelope import EnvelopeParser, is_envelope
from calls.ingest.carriers.fields import as_object
from calls.ingest.carriers.preamble import PreambleParser


class AnyParser:
    """Delegates to a family's parser once a message shows which family it is."""

    def __init__(self, described: Mapping[str, str] | None = None) -> None:
        """``described``: the address's description of the audio, if no first message gives one."""
        self._family: Parser | None = None
        self._undecided = PreambleParser(described)

    def text(self, message: str) -> Sequence[Event]:
        if self._family is None:
            message = self._undecided.joined(message)
            fields = as_object(message)
            if fields is None and message.lstrip().startswith("{"):
                self._undecided.fragment = message
                return [Malformed("not a JSON object")]
            if fields is not None:
                self._family = _family_of(fields) or self._undecided
        return self._decided((self._family or self._undecided).text(message))

    def binary(self, message: bytes) -> Sequence[Event]:
        return self._decided((self._family or self._undecided).binary(message))

    def give_up(self) -> Sequence[Event]:
        return self._decided((self._family or self._undecided).give_up())

    def _decided(self, events: Sequence[Event]) -> Sequence[Event]:
        if any(isinstance(event, Start) for event in events):
            self._family = self._family or self._undecided
        return events


def _family_of(first: dict[str, Any]) -> Parser | None:
    """Return the parser for a first message, None for family B, which takes all others."""
    if is_envelope(first):
        return EnvelopeParser()
    if is_audiohook(first):
        return AudioHookParser()
    return AudioCodesParser() if is_audiocodes(first) else None
