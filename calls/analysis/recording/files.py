"""The recording of a call: one stored file, agent left, customer right, and a copy with silences.

16-bit PCM WAV: every browser plays it and finds any position by arithmetic, no codec has to be
installed, and to mute a stretch is to write zeros. Files are written before the row that names
them and removed after it has ceased to; what a crash leaves in between, ``remove_orphans`` finds.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import tempfile
import wave
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import IO, Any

import numpy as np
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from calls.analysis.media.textcall import TextCall
from calls.analysis.recording.waveform import keep_waveform, measure_audio, waveform_name
from calls.conversation import SPEAKERS, CallAudio, Channel, Span
from calls.models import Call, PrunedRange, Recording
from calls.redaction.redact import Redaction

log = logging.getLogger(__name__)
FOLDER = "recordings"
CONTENT_TYPE = "audio/wav"
SAMPLE_BYTES = 2
BLOCK_FRAMES = 1 << 16
# Recognised words begin and end a little off.
MUTE_MARGIN_MS = 150
# A file is named by a row within seconds, or never.
ORPHAN_AGE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class StoredFile:
    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class StoredAudio(StoredFile):
    duration_ms: int
    turned: bool = False


def is_pruned(call_pk: int) -> bool:
    """Whether packets of the call have been removed on purpose, all of them or the first."""
    return PrunedRange.objects.filter(stream__call=call_pk).exists()


def keep_audio(call: Call, heard: CallAudio | TextCall) -> StoredAudio | None:
    """Store what was heard; None if there is no audio, or nowhere to put it.

    A call does not fail for want of a recording: while its packets are there, it can be made.
    """
    if isinstance(heard, TextCall) or not heard.duration_ms:
        return None
    if is_pruned(call.pk):
        return _present(call)
    try:
        stored = _store(call.pk, partial(write_wav, heard))
    except Exception:  # each storage has errors of its own
        log.exception("the recording of call %s could not be stored", call.call_id)
        return None
    keep_waveform(stored.name, measure_audio(heard))
    return StoredAudio(stored.name, stored.size, stored.sha256, heard.duration_ms)


def _present(call: Call) -> StoredAudio | None:
    row = Recording.objects.filter(call=call).first()
    if row is None:
        return None
    return StoredAudio(str(row.file), row.size, row.sha256, row.duration_ms, row.turned)


def keep_redacted(call_pk: int, redactions: Sequence[Redaction]) -> StoredFile | None:
    """Store the recording with the redactions muted; the recording itself if there are none."""
    row = Recording.objects.filter(call=call_pk).first()
    if row is None:
        return None
    if not redactions:
        return StoredFile(str(row.file), row.size, row.sha256)
    spans = [Span(item.begin_ms, item.end_ms) for item in redactions]
    try:
        with default_storage.open(str(row.file)) as source:
            return _store(call_pk, partial(mute, source, spans))
    except Exception:
        log.exception("the recording %s could not be muted", str(row.file))
        return None


def _store(call_pk: int, write: Callable[[IO[bytes]], None]) -> StoredFile:
    """Put a file into the storage, under a name that nobody can guess and no other run takes."""
    day = timezone.now().date().isoformat()
    with tempfile.TemporaryFile() as file:
        write(file)
        digest, size = measure_file(file)
        wanted = f"{FOLDER}/{day}/{call_pk}-{secrets.token_hex(12)}.wav"
        return StoredFile(default_storage.save(wanted, File(file)), size, digest)


def measure_file(file: IO[bytes]) -> tuple[str, int]:
    """Return SHA-256 and size of a file, and rewind it."""
    file.seek(0)
    digest = hashlib.sha256()
    while block := file.read(1 << 20):
        digest.update(block)
    size = file.tell()
    file.seek(0)
    return digest.hexdigest(), size


def write_wav(audio: CallAudio, file: IO[bytes]) -> None:
    """Write 16-bit PCM with two channels, block by block; a side that is not there is silent."""
    length = max(len(channel.samples) for channel in audio.channels)
    with wave.open(file, "wb") as wav:
        wav.setnchannels(len(SPEAKERS))
        wav.setsampwidth(SAMPLE_BYTES)
        wav.setframerate(max(channel.rate for channel in audio.channels))
        wav.setnframes(length)
        for begin in range(0, length, BLOCK_FRAMES):
            end = min(begin + BLOCK_FRAMES, length)
            frames = np.zeros((end - begin, len(SPEAKERS)), dtype="<i2")
            for channel in audio.channels:
                samples = channel.samples[begin:end]
                frames[: len(samples), SPEAKERS.index(channel.speaker)] = samples
            wav.writeframesraw(frames.tobytes())


def mute(source: IO[bytes], spans: Iterable[Span], file: IO[bytes]) -> None:
    """Copy a recording with silence on both sides in the spans: the other side may repeat it."""
    with wave.open(source, "rb") as heard, wave.open(file, "wb") as wav:
        wav.setparams(heard.getparams())
        silences = [_frames(span, heard.getframerate()) for span in spans]
        at = 0
        while block := heard.readframes(BLOCK_FRAMES):
            frames = np.frombuffer(block, dtype="<i2").reshape(-1, len(SPEAKERS)).copy()
            for begin, end in silences:
                frames[max(0, begin - at) : max(0, end - at)] = 0
            wav.writeframesraw(frames.tobytes())
            at += len(frames)


def _frames(span: Span, rate: int) -> tuple[int, int]:
    begin_ms, end_ms = span.begin_ms - MUTE_MARGIN_MS, span.end_ms + MUTE_MARGIN_MS
    return max(0, begin_ms * rate // 1000), max(0, -(-end_ms * rate // 1000))


def read_wav(source: IO[bytes]) -> tuple[Channel, ...]:
    """Return the channels of a recording; a side that never made a sound is left out."""
    with wave.open(source, "rb") as wav:
        rate = wav.getframerate()
        frames = np.frombuffer(wav.readframes(wav.getnframes()), dtype="<i2").reshape(-1, 2)
    channels = [
        Channel(speaker, frames[:, place].astype(np.int16), rate)
        for place, speaker in enumerate(SPEAKERS)
        if frames[:, place].any()
    ]
    return tuple(channels) or (Channel("customer", frames[:, 1].astype(np.int16), rate),)


def name_recording(call_pk: int, audio: StoredAudio | None, *, version: int, now: datetime) -> None:
    """Make this the recording of a locked call, in the caller's transaction.

    Without audio the call has none any more: one that does not fit the transcript would be
    muted in the wrong places. It stays if it is all that is left.
    """
    before = Recording.objects.filter(call=call_pk).first()
    if audio is None:
        if before is not None and not is_pruned(call_pk):
            before.delete()
            _remove_on_commit(before)
        return
    Recording.objects.update_or_create(
        call_id=call_pk,
        defaults={
            "version": version,
            "duration_ms": audio.duration_ms,
            "file": audio.name,
            "size": audio.size,
            "sha256": audio.sha256,
            "turned": audio.turned,
            "created_at": now,
            **_redacted_fields(None),
        },
    )
    if before is not None:
        _remove_on_commit(before)


def name_redacted(call_pk: int, muted: StoredFile | None) -> None:
    """Make this the redacted recording of a locked call, in the caller's transaction."""
    before = Recording.objects.filter(call=call_pk).first()
    if before is not None:
        Recording.objects.filter(pk=before.pk).update(**_redacted_fields(muted))
        _remove_on_commit(before)


def _redacted_fields(muted: StoredFile | None) -> dict[str, Any]:
    return {
        "redacted_file": muted.name if muted else "",
        "redacted_size": muted.size if muted else 0,
        "redacted_sha256": muted.sha256 if muted else "",
    }


def _remove_on_commit(row: Recording) -> None:
    transaction.on_commit(partial(remove_files, files_of(row)))


def files_of(row: Recording) -> list[str]:
    """Return the names of the stored files of a recording."""
    return sorted({str(row.file), str(row.redacted_file)} - {""})


def remove_files(names: Collection[str]) -> int:
    """Remove those of these stored files that no row names. Returns how many that were.

    A file that cannot be removed now is an orphan, which is found again.
    """
    unnamed = [name for name in names if name not in _named(names)]
    try:
        for name in unnamed:
            # The waveform first: what a crash leaves then is a recording, which is found again.
            default_storage.delete(waveform_name(name))
            default_storage.delete(name)
    except Exception:
        log.exception("stored recordings could not be removed")
        return 0
    return len(unnamed)


def _named(names: Collection[str]) -> set[str]:
    rows = Recording.objects.filter(Q(file__in=names) | Q(redacted_file__in=names))
    return {name for pair in rows.values_list("file", "redacted_file") for name in pair}


def stored_days() -> list[str]:
    """Return the folders of the storage that hold recordings, one for each day."""
    try:
        days, _ = default_storage.listdir(FOLDER)
    except (FileNotFoundError, NotImplementedError):
        return []
    return sorted(days)


def find_orphans(day: str, *, now: datetime) -> list[str]:
    """Return the files of a day that no row names, and that nobody can be about to name."""
    _, found = default_storage.listdir(f"{FOLDER}/{day}")
    names = [f"{FOLDER}/{day}/{name}" for name in found]
    orphans: list[str] = []
    for at in range(0, len(names), 1000):
        some = names[at : at + 1000]
        known = _named(some)
        orphans += [name for name in some if name not in known and _is_old(name, now=now)]
    return orphans


def _is_old(name: str, *, now: datetime) -> bool:
    try:
        return default_storage.get_modified_time(name) < now - ORPHAN_AGE
    except FileNotFoundError:
        return False
