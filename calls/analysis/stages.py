"""The stages of an analysis: each loads, asks the AI, and returns what it found."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import asdict
from typing import Any, TypeVar

from django.conf import settings

from calls.analysis.conversation import (
    SPEAKERS,
    CallAudio,
    Sentiment,
    Skipped,
    Span,
    Transcription,
    Understanding,
    turn_as_json,
    turns_from_json,
)
from calls.analysis.expected import measure_length
from calls.analysis.held import Finding, Lease, LeaseLost
from calls.analysis.material import load_material, load_materials
from calls.analysis.media import TextCall
from calls.analysis.metrics import measure
from calls.analysis.providers import Provider, ProviderError
from calls.analysis.recording import StoredFile, keep_audio, keep_redacted, remove_files
from calls.analysis.redaction import Redacted, redact
from calls.models import Attempt, Call, Transcript

InThread = Callable[..., Awaitable[Any]]
Loaded = tuple[Call, CallAudio | TextCall]
Load = Callable[[Lease], Awaitable[Loaded]]
T = TypeVar("T")

# Lets in as many as may ask the AI at a time.
Turnstile = AbstractAsyncContextManager[Any]
NO_WAITING: Turnstile = nullcontext()

NO_MODEL = {"none", "text"}  # what a result names that took no AI
REQUEST_IDS_LENGTH = 200
TIMEOUT_PER_AUDIO = 2.5  # an hour of audio may take two and a half hours
TIMEOUT_PER_TALK = 0.25  # ...and what was said in it a quarter of an hour


async def transcribe(
    lease: Lease,
    attempt: Attempt,
    provider: Provider,
    in_thread: InThread,
    *,
    load: Load | None = None,
    turn: Turnstile = NO_WAITING,
) -> Finding:
    """Turn what was received into words by speaker. Text is taken as it is, without the AI."""
    call, material = await (load(lease) if load else in_thread(load_one, lease))
    if isinstance(material, TextCall):
        heard = _written(material)
    elif not material.duration_ms:
        heard = _nothing()
    else:
        limit_s = limit_s_of(material.duration_ms, TIMEOUT_PER_AUDIO)
        async with turn:
            work = provider.transcribe(material, language=settings.AI_LANGUAGE)
            heard = await _within(limit_s, work)
    fields = transcript_fields(heard, material, call=call, provider=provider.name)
    fields["provenance"]["attempts"] = attempt.number
    asked = heard.model not in NO_MODEL
    audio = None
    if isinstance(material, CallAudio):
        audio = await in_thread(keep_audio, call, material)
    ids = _joined(heard.request_ids)
    return Finding(lease, attempt, fields, asked=asked, audio=audio, request_id=ids)


def load_one(lease: Lease) -> Loaded:
    call = Call.objects.get(pk=lease.call_pk)
    return call, load_material(call)


def load_words(leases: Sequence[Lease]) -> list[Loaded | Exception]:
    """Do the same for several calls at once, which are small because they are words."""
    calls = Call.objects.in_bulk([lease.call_pk for lease in leases])
    present = list(calls.values())
    found: dict[int, Any] = dict(zip(calls, load_materials(present), strict=True))
    return [_loaded(lease, calls.get(lease.call_pk), found) for lease in leases]


def _loaded(lease: Lease, call: Call | None, found: dict[int, Any]) -> Loaded | Exception:
    if call is None:
        return LeaseLost(f"Call {lease.call_id} is gone.")
    material = found[call.pk]
    return material if isinstance(material, Exception) else (call, material)


def limit_s_of(duration_ms: int, share: float) -> float:
    """Return how long a stage may take: ``share`` of the call, which is 2.5 for its audio."""
    return float(max(settings.AI_TIMEOUT, share * duration_ms / 1000))


async def _within(limit_s: float, work: Awaitable[T]) -> T:
    try:
        async with asyncio.timeout(limit_s):
            return await work
    except TimeoutError as error:
        raise ProviderError(
            f"No answer within {limit_s:g} s.", code="timeout", transient=True
        ) from error


def _nothing() -> Transcription:
    skipped = (Skipped("transcribe", "No audio was received."),)
    return Transcription((), speech={}, duration_ms=0, model="none", skipped=skipped)


def _written(text: TextCall) -> Transcription:
    end = max((turn.end_ms for turn in text.turns), default=0)
    skipped = (Skipped("transcribe", "The packets are words."),)
    return Transcription(text.turns, speech={}, duration_ms=end, model="text", skipped=skipped)


def transcript_fields(
    heard: Transcription, material: CallAudio | TextCall, *, call: Call, provider: str
) -> dict[str, Any]:
    if isinstance(material, CallAudio):
        received = _received(heard, material, call)
    else:
        received, provider = {"notes": list(material.notes)}, "none"
    return {
        "duration_ms": heard.duration_ms,
        "turns": [turn_as_json(turn) for turn in heard.turns],
        "speech": {who: [asdict(span) for span in spans] for who, spans in heard.speech.items()},
        "skipped": [asdict(skipped) for skipped in heard.skipped],
        "provenance": {
            "provider": provider,
            "model": heard.model,
            "missing_packets": call.missing_count,
            "missing_ms": 0,
            "missing": [],
            **received,
        },
    }


def _received(heard: Transcription, audio: CallAudio, call: Call) -> dict[str, Any]:
    """Return how much of the sound of a call is there, and what is missing."""
    missing_ms = sum(span.duration_ms for span in audio.missing)
    length = measure_length(call, max(0, heard.duration_ms - missing_ms))
    return {
        # A recording that is analysed again brings the notes of before.
        "notes": list(dict.fromkeys([*audio.notes, *length.notes])),
        "missing_ms": missing_ms,
        "missing": [asdict(span) for span in audio.missing],
        "received_ms": length.received_ms,
        "expected_ms": length.expected_ms,
    }


async def understand(
    lease: Lease,
    attempt: Attempt,
    provider: Provider,
    in_thread: InThread,
    *,
    transcript: Transcript | None = None,
    turn: Turnstile = NO_WAITING,
) -> Finding:
    """Judge the newest transcript: personal data goes first, so that no AI ever sees it."""
    transcript, redacted = await in_thread(_redacted, lease, transcript)
    async with turn:
        work = provider.understand(redacted.turns, language=settings.AI_LANGUAGE)
        verdict = await _within(limit_s_of(transcript.duration_ms, TIMEOUT_PER_TALK), work)
    fields, muted = await in_thread(_judged, transcript, redacted, verdict, provider.name)
    fields["provenance"]["attempts"] = attempt.number
    return Finding(
        lease,
        attempt,
        {name: value for name, value in fields.items() if name != "verdict"},
        asked=verdict.model not in NO_MODEL,
        muted=muted,
        verdict=fields["verdict"],
        request_id=_joined(verdict.request_ids),
    )


def _judged(
    transcript: Transcript, redacted: Redacted, verdict: Understanding, provider: str
) -> tuple[dict[str, Any], StoredFile | None]:
    fields = analysis_fields(transcript, redacted, verdict, provider)
    if transcript.provenance["model"] == "text":
        return fields, None  # what was written was not recorded
    return fields, keep_redacted(transcript.call_id, redacted.redactions)


def _joined(request_ids: Sequence[str]) -> str:
    """Return as many of the ids as the row of an attempt holds; the first ones will do."""
    return ", ".join(request_ids)[:REQUEST_IDS_LENGTH]


async def keep(
    finding: Finding, write: Callable[[Finding], Awaitable[T]], in_thread: InThread
) -> T:
    """Write the rows that name the files; take the files away again if that is refused."""
    try:
        return await write(finding)
    except LeaseLost:
        await in_thread(remove_files, finding.new_files)
        raise


def _redacted(lease: Lease, transcript: Transcript | None) -> tuple[Transcript, Redacted]:
    transcript = transcript or Transcript.objects.filter(call=lease.call_pk).latest()
    return transcript, redact(turns_from_json(transcript.turns))


def analysis_fields(
    transcript: Transcript, redacted: Redacted, verdict: Understanding, provider: str
) -> dict[str, Any]:
    """Return what ``ledger.archive`` stores, measured and put together."""
    speech = {who: tuple(_span(span) for span in spans) for who, spans in transcript.speech.items()}
    measured = measure(
        redacted.turns, verdict.sentiments, speech=speech, duration_ms=transcript.duration_ms
    ).as_json()
    return {
        "transcript": transcript,
        "turns": [
            {**turn_as_json(turn), **_mood(mood)}
            for turn, mood in zip(redacted.turns, verdict.sentiments, strict=True)
        ],
        "summary": verdict.summary,
        "keywords": list(verdict.keywords),
        "insights": verdict.insights,
        "metrics": measured,
        "redactions": [asdict(item) for item in redacted.redactions],
        "skipped": [*transcript.skipped, *(asdict(skipped) for skipped in verdict.skipped)],
        "provenance": {
            "provider": provider,
            "model": verdict.model,
            **({"prompt": verdict.prompt} if verdict.prompt else {}),
        },
        "verdict": _headline(measured),
    }


def _mood(mood: Sentiment) -> dict[str, Any]:
    return {"sentiment": mood.label, "score": round(mood.score, 2)}


def _headline(measured: dict[str, Any]) -> dict[str, str]:
    """Pick what lists show: empty for a side that said nothing."""
    overall, trend = measured["sentiment"]["overall"], measured["sentiment"]["trend"]
    return {
        **{f"{who}_sentiment": overall.get(who, {}).get("label", "") for who in SPEAKERS},
        **{f"{who}_trend": trend.get(who, "") for who in SPEAKERS},
    }


def _span(span: dict[str, int]) -> Span:
    return Span(span["begin_ms"], span["end_ms"])
