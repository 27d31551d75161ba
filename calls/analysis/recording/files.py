"""The recording of a call: a stereo file, agent left, customer right, and a muted copy.

The format is 16-bit PCM WAV: every browser plays it and can seek in it, it needs no codec, and
muting means writing zeros. A file is written before the row that refers to it, and removed after
the row has changed. ``find_orphans`` finds files that a crash left in between.
"""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
import tempfile
import wave
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from calls.analysis.media.textcall import TextCall
from calls.analysis.recording.waveform import FOLDER as WAVEFORMS
from calls.analysis.recording.waveform import (
    keep_waveform,
    measure_audio,
    recorded,
    waveform_name,
)
from calls.conversation import SPEAKERS, CallAudio, Channel, Span
from calls.models import Call, PrunedRange, Recording
from calls.operation.locks import BACKUP, is_held
from calls.redaction.redact import Redaction

log = logging.getLogger(__name__)
FOLDER = "recordings"
CONTENT_TYPE = "audio/wav"
SAMPLE_BYTES = 2
BLOCK_FRAMES = 1 << 16
# The times of recognised words are slightly off.
MUTE_MARGIN_MS = 150
# A row refers to a new file within seconds, or never.
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
    """Return whether retention has removed packets of the call, all or only the first ones."""
    return PrunedRange.objects.filter(stream__call=call_pk).exists()


class NotKept(Exception):
    """The storage did not take a recording. The message is a note for the call."""


def find_storage_problem() -> str:
    """Return why this process cannot store recordings, or "". Checks local folders only."""
    try:
        folder = Path(default_storage.path(""))
    except NotImplementedError:
        return ""
    while not os.path.lexists(folder):  # MEDIA_ROOT is created with the first recording
        folder = folder.parent
    if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
        return ""
    return f"Recordings cannot be stored: {folder} is not a folder that can be written to."


def keep_audio(call: Call, heard: CallAudio | TextCall) -> StoredAudio | None:
    """Store the audio. Returns None if there is none. Raises NotKept if the storage fails.

    A call does not fail without a recording: it can be made as long as the packets are stored.
    """
    if isinstance(heard, TextCall) or not heard.duration_ms:
        return None
    if is_pruned(call.pk):
        return _present(call)
    try:
        stored = _store(call.pk, partial(write_wav, heard))
    except Exception as error:  # each storage backend has its own errors
        log.exception("could not store the recording of call %s", call.call_id)
        raise NotKept("The recording could not be stored. It is made from the packets.") from error
    keep_waveform(stored.name, measure_audio(heard))
    return StoredAudio(stored.name, stored.size, stored.sha256, heard.duration_ms)


def _present(call: Call) -> StoredAudio | None:
    row = Recording.objects.filter(call=call).first()
    if row is None:
        return None
    return StoredAudio(str(row.file), row.size, row.sha256, row.duration_ms, row.turned)


def keep_redacted(call_pk: int, redactions: Sequence[Redaction]) -> StoredFile | None:
    """Store a copy with the redactions muted. Without redactions, refer to the recording itself."""
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
        log.exception("could not mute the recording %s", str(row.file))
        return None


def _store(call_pk: int, write: Callable[[IO[bytes]], None]) -> StoredFile:
    """Store a file under a name that cannot be guessed and that no other run uses."""
    day = timezone.now().date().isoformat()
    with tempfile.TemporaryFile() as file:
        write(file)
        digest, size = measure_file(file)
        wanted = f"{FOLDER}/{day}/{call_pk}-{secrets.token_hex(12)}.wav"
        return StoredFile(default_storage.save(wanted, File(file)), size, digest)


def measure_file(file: IO[bytes]) -> tuple[str, int]:
    """Return the SHA-256 and the size of a file, and rewind it."""
    file.seek(0)
    digest = hashlib.sha256()
    while block := file.read(1 << 20):
        digest.update(block)
    size = file.tell()
    file.seek(0)
    return digest.hexdigest(), size


def write_wav(audio: CallAudio, file: IO[bytes]) -> None:
    """Write 16-bit stereo PCM block by block. A missing side is silent."""
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
    """Copy a recording with both sides muted in the spans: the other side may repeat the words."""
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
    """Return the channels of a recording. A side that is all silence is left out."""
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
    """Make this the recording of a locked call. Call inside a transaction.

    Without ``audio``, the row is removed: an old recording does not fit the new transcript, and
    would be muted in the wrong places. It is kept if the packets are gone.
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
    """Make this the redacted recording of a locked call. Call inside a transaction."""
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
    """Remove those of the stored files that no row refers to. Returns how many were removed.

    A file that cannot be removed now is an orphan, and ``find_orphans`` finds it again. None is
    removed while a backup runs: a row in its copy of the database may refer to it. Call after the
    transaction that removed the row: a backup that starts later than this question has no such row.
    """
    unnamed = [name for name in names if name not in _named(names)]
    if unnamed and is_held(BACKUP):
        log.info("%d recordings stay until the backup that runs is done", len(unnamed))
        return 0
    try:
        for name in unnamed:
            # The waveform first: a crash then leaves a recording, which is found as an orphan.
            default_storage.delete(waveform_name(name))
            default_storage.delete(name)
    except Exception:
        log.exception("could not remove stored recordings")
        return 0
    return len(unnamed)


def _named(names: Collection[str]) -> set[str]:
    rows = Recording.objects.filter(Q(file__in=names) | Q(redacted_file__in=names))
    return {name for pair in rows.values_list("file", "redacted_file") for name in pair}


def stored_days() -> list[str]:
    """Return the folders of the storage that hold recordings or waveforms, one for each day."""
    return sorted({*_list(FOLDER)[0], *_list(WAVEFORMS)[0]})


def _list(folder: str) -> tuple[list[str], list[str]]:
    try:
        return default_storage.listdir(folder)
    except (FileNotFoundError, NotImplementedError):
        return [], []


def find_orphans(day: str, *, now: datetime) -> list[str]:
    """Return the recordings of a day that no row refers to, and that are too old to be new.

    Of some, only the waveform is left: somebody looked at the call while it was deleted.
    """
    found = {*_list(f"{FOLDER}/{day}")[1], *map(recorded, _list(f"{WAVEFORMS}/{day}")[1])}
    names = sorted(f"{FOLDER}/{day}/{name}" for name in found)
    orphans: list[str] = []
    for at in range(0, len(names), 1000):
        some = names[at : at + 1000]
        known = _named(some)
        orphans += [name for name in some if name not in known and _is_old(name, now=now)]
    return orphans


def _is_old(name: str, *, now: datetime) -> bool:
    for each in (name, waveform_name(name)):
        try:
            return default_storage.get_modified_time(each) < now - ORPHAN_AGE
        except FileNotFoundError:
            continue
    return False
