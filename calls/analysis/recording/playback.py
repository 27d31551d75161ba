"""Playing the audio of a call: a stored file, or a temporary one made from the packets."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import IO, Any

from django.core.files.storage import default_storage

from calls.analysis.media.roles import turned
from calls.analysis.providers import ProviderError
from calls.analysis.recording.files import MUTE_MARGIN_MS, measure_file, mute, write_wav
from calls.analysis.recording.material import load_material
from calls.analysis.recording.waveform import (
    STEP_MS,
    Waveform,
    keep_waveform,
    measure_wav,
    silence,
    stored_waveform,
    turn,
    waveform_name,
)
from calls.analysis.stages import language_of
from calls.conversation import CallAudio, Span, turns_from_json
from calls.models import Call, Recording
from calls.redaction.redact import redact


class NotHeardYet(Exception):
    """The call has no transcript yet, so personal data cannot be muted."""


@dataclass(frozen=True)
class Playback:
    """An open file. ``sha256`` identifies its content, with a suffix if the sides are swapped."""

    file: IO[bytes]
    size: int
    sha256: str


def open_playback(call: Call, *, redacted: bool) -> Playback | None:
    """Return the audio of a call, with personal data muted if ``redacted``. None without audio.

    If the call has no stored file, the audio is assembled from its packets. Raises NotHeardYet if
    it should be redacted and there is no transcript.
    """
    row = Recording.objects.filter(call=call).first()
    stored = _open_stored(row, redacted=redacted) if row else None
    if stored is not None:
        return stored
    source = _open_source(call, row)
    if source is None or not redacted:
        return source
    try:
        return _made(partial(mute, source.file, _personal_spans(call)))
    finally:
        source.file.close()


def _open_stored(row: Recording, *, redacted: bool) -> Playback | None:
    name = str(row.redacted_file if redacted else row.file)
    size = row.redacted_size if redacted else row.size
    sha256 = row.redacted_sha256 if redacted else row.sha256
    try:
        file = default_storage.open(name) if name else None
    except FileNotFoundError:
        file = None
    if file is None:
        return None
    if file.size != size:  # cut short, by a full disk or a copy: the response would break off
        file.close()
        return None
    return (
        Playback(turned(file), size, f"{sha256}-turned")
        if row.turned
        else Playback(file, size, sha256)
    )


def name_turned(row: Recording) -> None:
    """Set the digests of a swapped recording on an unsaved row."""
    row.sha256 = _turned_digest(str(row.file))
    row.redacted_sha256 = _turned_digest(str(row.redacted_file))


def _turned_digest(name: str) -> str:
    try:
        with turned(default_storage.open(name)) as file:
            return measure_file(file)[0]
    except FileNotFoundError:
        return ""


def _open_source(call: Call, row: Recording | None) -> Playback | None:
    stored = _open_stored(row, redacted=False) if row else None
    if stored is not None:
        return stored
    try:
        audio = load_material(call)
    except ProviderError:
        return None
    if not isinstance(audio, CallAudio) or not audio.duration_ms:
        return None
    return _made(partial(write_wav, audio))


def _made(write: Callable[[IO[bytes]], None]) -> Playback:
    file: IO[Any] = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    try:
        write(file)
        sha256, size = measure_file(file)
    except BaseException:
        file.close()
        raise
    return Playback(file, size, sha256)


def _personal_spans(call: Call) -> list[Span]:
    """Return the spans with personal data, from the newest transcript."""
    transcript = call.transcripts.order_by("-version").first()
    if transcript is None:
        raise NotHeardYet
    analysis = transcript.analyses.order_by("-version").first()
    if analysis is not None:
        return [Span(item["begin_ms"], item["end_ms"]) for item in analysis.redactions]
    turns = turns_from_json(transcript.turns)
    found = redact(turns, language=language_of(call)).redactions
    return [Span(item.begin_ms, item.end_ms) for item in found]


def read_waveform(call: Call, *, redacted: bool) -> Waveform | None:
    """Return the waveform of a call, silent in muted spans if ``redacted``.

    None without audio. Raises NotHeardYet as ``open_playback`` does.
    """
    spans = _personal_spans(call) if redacted else []
    waveform = _waveform(call)
    return silence(waveform, [_with_margin(span) for span in spans]) if waveform else None


def _waveform(call: Call) -> Waveform | None:
    row = Recording.objects.filter(call=call).first()
    name = str(row.file) if row else ""
    is_turned = bool(row and row.turned)
    stored = stored_waveform(name) if name else None
    if row and stored and _is_whole(stored, row):
        return turn(stored) if is_turned else stored
    source = _open_source(call, row)
    if source is None:
        return None
    with source.file:
        waveform = measure_wav(source.file)
    if name:
        if stored:
            default_storage.delete(waveform_name(name))
        keep_waveform(name, turn(waveform) if is_turned else waveform)
    return waveform


def _is_whole(stored: Waveform, row: Recording) -> bool:
    """Whether a waveform is as long as its recording. A crash or a full disk leaves a part."""
    return -STEP_MS <= stored.duration_ms - row.duration_ms <= 2 * STEP_MS


def _with_margin(span: Span) -> Span:
    return Span(span.begin_ms - MUTE_MARGIN_MS, span.end_ms + MUTE_MARGIN_MS)
