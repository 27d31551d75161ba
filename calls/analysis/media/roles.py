"""Swapping agent and customer in received audio, in results, and in a recording while it is read.

A sender may mix up its tracks, which only a person notices. Pure values, no database.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import IO, Any, cast

import numpy as np

from calls.analysis.media.textcall import TextCall
from calls.analysis.media.troubles import swap_troubles
from calls.conversation import SPEAKERS, CallAudio, Channel, Speaker

OTHER: Mapping[Any, Speaker] = {"agent": "customer", "customer": "agent"}
NOTE = "The speakers are swapped: a person has seen that they were the wrong way round."
NOT_REWRITTEN = {
    "stage": "summary",
    "reason": "Summary and insights were written before the speakers were swapped.",
}
WAV_HEADER_BYTES = 44  # of the files that ``recording`` writes
FRAME_BYTES = 4


def other_side(speaker: Speaker, *, swapped: bool) -> Speaker:
    return OTHER[speaker] if swapped else speaker


def swap_material(material: CallAudio | TextCall) -> CallAudio | TextCall:
    """Return the call's audio or text with the roles swapped, and a note that says so."""
    notes = (*material.notes, NOTE)
    if isinstance(material, TextCall):
        turns = tuple(replace(turn, speaker=OTHER[turn.speaker]) for turn in material.turns)
        return replace(material, turns=turns, notes=notes)
    channels, troubles = swap_channels(material.channels), swap_troubles(material.troubles)
    return replace(material, channels=channels, notes=notes, troubles=troubles)


def swap_channels(channels: Sequence[Channel]) -> tuple[Channel, ...]:
    """Return the channels with the roles swapped. The agent's still comes first."""
    swapped = [replace(channel, speaker=OTHER[channel.speaker]) for channel in channels]
    return tuple(sorted(swapped, key=lambda channel: SPEAKERS.index(channel.speaker)))


def swap_turns(turns: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return stored turns, each with the other speaker."""
    return [{**turn, "speaker": OTHER[turn["speaker"]]} for turn in turns]


def swap_keys(value: Any) -> Any:
    """Return nested data with the keys ``agent`` and ``customer`` swapped at every level."""
    if isinstance(value, dict):
        return {OTHER.get(key, key): swap_keys(item) for key, item in value.items()}
    return [swap_keys(item) for item in value] if isinstance(value, list) else value


def toggle_note(notes: Sequence[str], *, swapped: bool) -> list[str]:
    return [*(note for note in notes if note != NOTE), *([NOTE] if swapped else [])]


def turned(file: IO[bytes]) -> IO[bytes]:
    """Wrap a recording so that left and right are swapped while it is read."""
    return cast(IO[bytes], _TurnedWav(file))


class _TurnedWav:
    """16-bit stereo: a frame is two samples. Reads may start anywhere, as in range requests."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        at = self._file.tell()
        lead = max(0, at - WAV_HEADER_BYTES) % FRAME_BYTES
        self._file.seek(at - lead)
        raw = self._file.read(-1 if size < 0 else lead + size + FRAME_BYTES)
        header = max(0, WAV_HEADER_BYTES - at)
        whole = header + max(0, len(raw) - header) // FRAME_BYTES * FRAME_BYTES
        frames = np.frombuffer(raw[header:whole], "<u2").reshape(-1, 2)
        found = raw[:header] + frames[:, ::-1].tobytes() + raw[whole:]
        found = found[lead:] if size < 0 else found[lead : lead + size]
        self._file.seek(at + len(found))
        return found

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> _TurnedWav:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
