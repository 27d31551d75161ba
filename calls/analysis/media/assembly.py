"""What was said in a call, from its stored packets: audio on one time line, or turns of text.

The public face of the modules beside it: ``formats`` (media types), ``packets`` (order and
speakers), ``timeline`` and ``tracks`` (silences), ``channels`` (mix), ``textcall``.
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
from calls.analysis.media.textcall import TextCall, text_call
from calls.conversation import CallAudio, Speaker
from calls.media_types import MediaFormat, parse_media

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
    track_speakers: Mapping[str, Speaker] | None = None,
    stream_order: Sequence[str] = (),
) -> CallAudio | TextCall:
    """Put the packets of a call together; their order and repetitions do not matter.

    ``default_media`` is the format of packets that name none; empty means: find out.
    ``track_speakers`` adds to ``TRACK_SPEAKERS`` or overrides it. ``stream_order`` names the
    streams in the order in which they were opened: it decides where their clocks do not.
    Odd packets are reported in ``notes`` and never raise; a ``default_media`` that is not a
    known media type, or a speaker that is neither agent nor customer, raises ValueError.
    """
    speakers = speaker_map(track_speakers or {})
    typed = typed_packets(unique_packets(packets), default_media)
    text = [packet.row for packet in typed if packet.media and not packet.media.is_audio]
    audio = [packet for packet in typed if packet.media is None or packet.media.is_audio]
    readable = any(packet.media for packet in audio)
    call: CallAudio | TextCall
    if readable or not text:
        call = call_audio(audio, speakers, stream_order)
    else:
        call = text_call(text, speakers)
    return replace(call, notes=(*call.notes, *_left_out(call, text, audio)))


def _left_out(
    call: CallAudio | TextCall, text: Sequence[PacketRow], audio: Sequence[TypedPacket]
) -> Iterator[str]:
    unknown = sorted({packet.row.media for packet in audio if packet.media is None})
    if unknown:
        yield f"Some packets name a media type that is not known: {', '.join(unknown)}."
    if text and isinstance(call, CallAudio):
        yield f"{len(text)} packets carry text beside the audio: they were left out."
