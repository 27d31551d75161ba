"""Assembling a call from its stored packets: audio on one timeline, or turns of text.

The entry point of this package. It uses ``packets`` (order and speakers), ``runs``, ``decoding``,
``timeline`` and ``tracks`` (silences), ``channels`` (mix) and ``textcall``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from calls.analysis.media.channels import call_audio
from calls.analysis.media.packets import (
    TRACK_SPEAKERS,
    PacketRow,
    TypedPacket,
    speaker_map,
    typed_packets,
    unique_packets,
)
from calls.analysis.media.resampling import resample
from calls.analysis.media.runs import join_runs
from calls.analysis.media.textcall import TextCall, text_call
from calls.conversation import CallAudio
from calls.formats.media_types import MediaFormat, parse_media

__all__ = [
    "TRACK_SPEAKERS",
    "MediaFormat",
    "PacketRow",
    "TextCall",
    "assemble",
    "parse_media",
    "resample",
]


def assemble(
    packets: Iterable[PacketRow],
    default_media: str = "",
    *,
    track_speakers: Mapping[str, str] | None = None,
    stream_order: Sequence[str] = (),
    received_s: float | None = None,
    corrects_rates: bool = True,
) -> CallAudio | TextCall:
    """Assemble the packets of a call. Order and duplicates do not matter.

    ``default_media`` is the format of packets that declare none; if it is empty, guess.
    ``track_speakers`` extends or overrides ``TRACK_SPEAKERS``. ``stream_order`` lists the streams
    in opening order, which decides if their clocks do not. ``received_s`` is how long it took to
    receive the packets. ``corrects_rates``: clock and sound may correct a declared sample rate, and
    packets may name formats of their own.

    Odd packets are reported in ``notes`` and raise nothing. Raises ValueError for an unknown
    ``default_media``, or for a speaker that is neither agent nor customer.
    """
    speakers = speaker_map(track_speakers or {})
    rows, notes = join_runs(unique_packets(packets))
    typed = typed_packets(rows, default_media, own_formats=corrects_rates)
    text = [packet.row for packet in typed if packet.media and not packet.media.is_audio]
    audio = [packet for packet in typed if packet.media is None or packet.media.is_audio]
    readable = any(packet.media for packet in audio)
    call: CallAudio | TextCall
    if readable or not text:
        call = call_audio(audio, speakers, stream_order, corrects_rates=corrects_rates)
    else:
        call = text_call(text, speakers, received_s=received_s)
    return replace(call, notes=(*call.notes, *notes, *_left_out(call, text, audio)))


def _left_out(
    call: CallAudio | TextCall, text: Sequence[PacketRow], audio: Sequence[TypedPacket]
) -> Iterator[str]:
    unknown = sorted({packet.row.media for packet in audio if packet.media is None})
    if unknown:
        yield f"Some packets have an unknown media type: {', '.join(unknown)}."
    if text and isinstance(call, CallAudio):
        yield f"{len(text)} packets carry text in an audio call: they were left out."
