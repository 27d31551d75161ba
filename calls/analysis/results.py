"""What was found out about a call, as documents for people and programs to read."""

from __future__ import annotations

import io
import wave
from typing import IO, Any

import numpy as np

from calls.analysis.conversation import SPEAKERS, CallAudio
from calls.analysis.material import load_material
from calls.analysis.redaction import redact
from calls.analysis.stages import turn_as_json, turns_from_json
from calls.models import Analysis, Call, Transcript

SAMPLE_BYTES = 2


def transcript_document(call: Call, *, redacted: bool = True) -> dict[str, Any] | None:
    """Return the newest transcript, with what the analysis found, or None if there is none."""
    analysis = call.analyses.select_related("transcript").order_by("-version").first()
    transcript = analysis.transcript if analysis else call.transcripts.order_by("-version").first()
    if transcript is None:
        return None
    return {
        "call_id": call.call_id,
        "state": call.state,
        "duration_ms": transcript.duration_ms,
        "turns": _turns(transcript, analysis, redacted=redacted),
        "redacted": redacted,
        **_findings(analysis),
        "skipped": analysis.skipped if analysis else transcript.skipped,
        "provenance": {
            "transcribe": {"version": transcript.version, **transcript.provenance},
            "understand": (
                {"version": analysis.version, **analysis.provenance} if analysis else None
            ),
        },
    }


def _turns(
    transcript: Transcript, analysis: Analysis | None, *, redacted: bool
) -> list[dict[str, Any]]:
    if analysis is None:
        turns = turns_from_json(transcript.turns)
        shown = redact(turns).turns if redacted else turns
        return [{**turn_as_json(turn), "sentiment": None, "score": None} for turn in shown]
    if redacted:
        return list(analysis.turns)
    return [
        {**said, "sentiment": judged["sentiment"], "score": judged["score"]}
        for said, judged in zip(transcript.turns, analysis.turns, strict=True)
    ]


def _findings(analysis: Analysis | None) -> dict[str, Any]:
    if analysis is None:
        return {"summary": "", "keywords": [], "insights": {}, "redactions": []}
    return {
        "summary": analysis.summary,
        "keywords": analysis.keywords,
        "insights": analysis.insights,
        "redactions": analysis.redactions,
        **analysis.metrics,
    }


def recording(call: Call) -> IO[bytes] | None:
    """Return the call as a WAV file, agent left and customer right; None without audio."""
    audio = load_material(call)
    if not isinstance(audio, CallAudio) or not audio.duration_ms:
        return None
    return as_wav(audio)


def as_wav(audio: CallAudio) -> IO[bytes]:
    """Encode as 16-bit PCM with two channels; a side that is not there is silent."""
    rate = max(channel.rate for channel in audio.channels)
    length = max(len(channel.samples) for channel in audio.channels)
    frames = np.zeros((length, len(SPEAKERS)), dtype="<i2")
    for channel in audio.channels:
        frames[: len(channel.samples), SPEAKERS.index(channel.speaker)] = channel.samples
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setnchannels(len(SPEAKERS))
        wav.setsampwidth(SAMPLE_BYTES)
        wav.setframerate(rate)
        wav.writeframes(frames.tobytes())
    file.seek(0)
    return file
