"""Decoding the stored packets of a call again, in a format that a person has corrected."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from calls import events
from calls.analysis.recording.files import is_pruned
from calls.formats.media_types import parse_media
from calls.lifecycle import CallState
from calls.models import Call, Stage
from calls.services import NotPossible, lock_call, requeue

# What the call page suggests. Every other media type that can be decoded is accepted as well.
COMMON_FORMATS = (
    ("audio/x-mulaw;rate=8000", "mu-law, 8 kHz"),
    ("audio/x-alaw;rate=8000", "A-law, 8 kHz"),
    *((f"audio/l16;rate={rate}", f"16-bit PCM, {rate / 1000:g} kHz")
      for rate in (8000, 16_000, 24_000, 32_000, 44_100, 48_000)),
    *((f"audio/l16;rate={rate};endian=big", f"16-bit PCM, {rate / 1000:g} kHz, high byte first")
      for rate in (8000, 16_000)),
    *((f"audio/l16;rate={rate};channels=2", f"16-bit PCM, {rate / 1000:g} kHz, stereo")
      for rate in (8000, 16_000)),
    ("text/plain", "text"),
)  # fmt: skip


class PacketsRemoved(NotPossible):
    """The packets of the call are gone, so nothing is left to decode."""

    def __init__(self, call: Call) -> None:
        super().__init__(call, "decoded again")
        self.args = ("The packets of this call have been removed: it cannot be decoded again.",)


def decode_call(*, call_id: str, media: str, by: str = "") -> Call:
    """Analyse a call again from its packets, read as ``media``; empty: as the sender declared them.

    The previous result is kept. Raises NotPossible unless the call is over, PacketsRemoved if its
    packets are gone, and ValueError if ``media`` is no media type that can be decoded.
    """
    if media:
        parse_media(media)
    with transaction.atomic():
        call = lock_call(call_id)
        if not call.is_over:
            raise NotPossible(call, "decoded again")
        if is_pruned(call.pk):
            raise PacketsRemoved(call)
        call.media_override, call.first_stage = media, Stage.TRANSCRIBE
        call.save(update_fields=["media_override"])
        events.append([(call, events.FormatCorrected(media=media, by=by))], at=timezone.now())
        again = call.reanalyse if call.state == CallState.ARCHIVED else call.retry
        requeue(call, again, action="decoded again", by=by)
    return call
