"""Loading what the analysis works on: the packets of a call, or a recording or transcript."""

from __future__ import annotations

import wave
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.db.models import Exists, OuterRef, QuerySet

from calls.analysis.media.assembly import assemble
from calls.analysis.media.packets import PacketRow
from calls.analysis.media.plausibility import find_clipping
from calls.analysis.media.roles import swap_channels, swap_material
from calls.analysis.media.runs import restart_note
from calls.analysis.media.textcall import TextCall
from calls.analysis.media.troubles import from_stored
from calls.analysis.providers import ProviderError
from calls.analysis.recording.files import read_wav
from calls.conversation import CallAudio, Span, turns_from_json
from calls.models import Call, Packet, PrunedRange, Recording, Stream, Transcript

FROM_RECORDING = "The packets of this call have been removed: this is its recording."
FROM_TRANSCRIPT = "The packets of this call have been removed: this is its previous transcript."

Material = CallAudio | TextCall


def load_material(call: Call) -> Material:
    """Assemble the packets of a call. If they have been pruned, load its recording or transcript.

    Holds the decoded audio of the whole call in memory. Raises ProviderError if nothing is left.
    """
    streams = list(_streams([call]))
    _correct_formats(call, streams)
    return _assemble(call, streams, (row for _, row in _rows(streams, bit_by_bit=True)))


def load_materials(calls: Sequence[Call]) -> list[Material | Exception]:
    """Load several calls, usually text, with as many queries as one call needs.

    Returns an exception in place of a call that cannot be loaded.
    """
    streams: dict[int, list[Any]] = {call.pk: [] for call in calls}
    for stream in _streams(calls):
        streams[stream.call_id].append(stream)
    for call in calls:
        _correct_formats(call, streams[call.pk])
    rows: dict[int, list[PacketRow]] = {call.pk: [] for call in calls}
    for call_pk, row in _rows(
        [stream for own in streams.values() for stream in own], bit_by_bit=False
    ):
        rows[call_pk].append(row)
    return [_assembled(call, streams[call.pk], rows[call.pk]) for call in calls]


def _streams(calls: Sequence[Call]) -> QuerySet[Any]:
    pruned = Exists(PrunedRange.objects.filter(stream=OuterRef("pk")))
    streams = Stream.objects.filter(call__in=[call.pk for call in calls]).order_by("pk")
    return streams.only("call_id", "name", "run", "media", "restarts").annotate(is_pruned=pruned)


def _correct_formats(call: Call, streams: Sequence[Any]) -> None:
    """Read streams in the format that a person chose. Text beside audio stays text."""
    is_mixed = len({stream.media.startswith("text/") for stream in streams}) > 1
    for stream in streams if call.media_override else ():
        if not (is_mixed and stream.media.startswith("text/")):
            stream.media = call.media_override


def _assembled(call: Call, streams: Sequence[Any], rows: Iterable[PacketRow]) -> Any:
    try:
        return _assemble(call, streams, rows)
    except Exception as error:  # the others must not fail with this call
        return error


def _assemble(call: Call, streams: Sequence[Any], rows: Iterable[PacketRow]) -> Material:
    if any(stream.is_pruned for stream in streams):
        return _load_kept(call)
    received = assemble(
        rows,
        default_media=call.media_override or call.media,
        track_speakers=settings.TRACK_SPEAKERS,
        stream_order=list(dict.fromkeys(stream.name for stream in streams)),
        received_s=_received_s(call),
        corrects_rates=not call.media_override,
    )
    if restarts := sum(stream.restarts for stream in streams):
        received = replace(received, notes=(*received.notes, restart_note(restarts)))
    if call.media_override:
        note = f"A person corrected the format: decoded as {call.media_override}."
        received = replace(received, notes=(*received.notes, note))
    return swap_material(received) if call.speakers_swapped else received


def _received_s(call: Call) -> float | None:
    """Return how long packets of a call arrived, by the clock of this service."""
    if call.last_packet_at is None:
        return None
    return (call.last_packet_at - call.opened_at).total_seconds()


def _rows(streams: Sequence[Stream], *, bit_by_bit: bool) -> Iterator[tuple[int, PacketRow]]:
    """Yield packets with the key of their call, in order within each stream."""
    by_pk = {stream.pk: stream for stream in streams}
    rows = Packet.objects.filter(stream__in=by_pk).order_by("stream_id", "sequence")
    # Only runs are placed by the time of reception.
    received = ["received_at"] if any(one.run > 1 for one in streams) else []
    columns = rows.values_list("stream_id", "track", "sequence", "timestamp", "data", *received)
    read = columns.iterator(chunk_size=2000) if bit_by_bit else columns
    for pk, track, sequence, timestamp, data, *moment in read:
        stream = by_pk[pk]
        yield (
            stream.call_id,
            PacketRow(
                stream=stream.name,
                track=track,
                sequence=sequence,
                timestamp=timestamp,
                data=data,
                media=stream.media,
                run=stream.run,
                received=moment[0].timestamp() if moment else 0.0,
            ),
        )


def _load_kept(call: Call) -> CallAudio | TextCall:
    transcript = call.transcripts.order_by("-version").first()
    recording = Recording.objects.filter(call=call).first()
    if recording is not None:
        return _from_recording(recording, transcript)
    if transcript is None:
        raise _gone("it has no transcript")
    notes = _notes(transcript, FROM_TRANSCRIPT)
    return TextCall(tuple(turns_from_json(transcript.turns)), notes=notes)


def _from_recording(recording: Recording, transcript: Transcript | None) -> CallAudio:
    try:
        with default_storage.open(str(recording.file)) as file:
            channels = read_wav(file)
    except (OSError, EOFError, wave.Error) as error:
        raise _gone("its recording cannot be read") from error
    made = transcript.provenance if transcript else {}
    channels = swap_channels(channels) if recording.turned else channels
    # What a format looks like is known only from the packets.
    known = from_stored(made.get("troubles", []))
    return CallAudio(
        channels,
        tuple(Span(span["begin_ms"], span["end_ms"]) for span in made.get("missing", [])),
        _notes(transcript, FROM_RECORDING),
        troubles=(
            *(each for each in known if each.kind == "wrong_codec"),
            *find_clipping(channels),
        ),
    )


def _notes(transcript: Transcript | None, note: str) -> tuple[str, ...]:
    before = transcript.provenance.get("notes", []) if transcript else []
    return (*(each for each in before if each != note), note)


def _gone(why: str) -> ProviderError:
    return ProviderError(
        f"The packets of this call have been removed, and {why}.", code="gone", transient=False
    )
