"""Checks whether the newest packets of a live call can be decoded, before the call is over.

Done when somebody looks, not when a packet arrives, so that the write path stays fast.
"""

from __future__ import annotations

from collections.abc import Sequence

from calls.formats.base64_text import decode_base64
from calls.formats.media_types import read_media
from calls.models import Call, Packet, Stream

CHECKED = 20  # packets


def remarks_on(call: Call, streams: Sequence[Stream]) -> list[str]:
    """Return the remarks on a call, with what the newest packets of a live one add to them."""
    if not (call.is_live and streams and _should_be_base64(call, streams[-1])):
        return list(call.remarks)
    newest = Packet.objects.filter(stream=streams[-1]).order_by("-sequence")
    data = list(newest.values_list("data", flat=True)[:CHECKED])
    bad = sum(decode_base64(each) is None for each in data)
    if not bad:
        return list(call.remarks)
    return [
        *call.remarks,
        f"{bad} of the last {len(data)} packets cannot be decoded: audio must be base64.",
    ]


def _should_be_base64(call: Call, stream: Stream) -> bool:
    """Whether packets of audio come from a client. Those of a carrier are encoded here."""
    media = read_media(stream.media or call.media)
    return media is not None and media.is_audio and not stream.frame_count
