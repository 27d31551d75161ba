"""The stages of an analysis: each loads, asks the AI, and returns what it found."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import asdict, dataclass
from typing import Any, Protocol, TypeVar

from django.conf import settings

from calls.analysis.findings import Finding
from calls.analysis.leases import Lease, LeaseLost
from calls.analysis.media.expected import measure_length
from calls.analysis.media.textcall import TextCall
from calls.analysis.metrics import measure
from calls.analysis.providers import Provider, ProviderError
from calls.analysis.recording.files import StoredFile, keep_audio, keep_redacted, remove_files
from calls.analysis.recording.material import load_material
from calls.conversation import (
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
from calls.models import Attempt, Call, Transcript
from calls.redaction.redact import Redacted, redact

InThread = Callable[..., Awaitable[Any]]
T = TypeVar("T")
F = TypeVar("F", bound="Found")
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
    turn: Turnstile = NO_WAITING,
) -> Finding:
    """Turn what was received into words by speaker. Text is taken as it is, without the AI."""
    call, material = await in_thread(_load, lease)
    if isinstance(material, TextCall):
        return take_words(lease, attempt, call, material)
    if not material.duration_ms:
        heard = _nothing()
    else:
        limit_s = limit_s_of(material.duration_ms, TIMEOUT_PER_AUDIO)
        async with turn:
            work = provider.transcribe(material, language=settings.AI_LANGUAGE)
            heard = await _within(limit_s, work)
    fields = transcript_fields(heard, material, call=call, provider=provider.name)
    fields["provenance"]["attempts"] = attempt.number
    asked = heard.model not in NO_MODEL
    audio = await in_thread(keep_audio, call, material)
    ids = _joined(heard.request_ids)
    return Finding(lease, attempt, fields, asked=asked, audio=audio, request_id=ids)


def take_words(lease: Lease, attempt: Attempt, call: Call, text: TextCall) -> Finding:
    """Return what packets of words say, which takes no AI."""
    fields = transcript_fields(_written(text), text, call=call, provider="none")
    fields["provenance"]["attempts"] = attempt.number
    return Finding(lease, attempt, fields, asked=False)


def _load(lease: Lease) -> tuple[Call, CallAudio | TextCall]:
    call = Call.objects.get(pk=lease.call_pk)
    return call, load_material(call)


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


@dataclass(frozen=True)
class Heard:
    """A transcript, and what of its words may be seen: personal data goes first, so that no AI
    ever sees it."""

    transcript: Transcript
    redacted: Redacted


def _newest(lease: Lease) -> Heard:
    transcript = Transcript.objects.filter(call=lease.call_pk).latest()
    return Heard(transcript, redact(turns_from_json(transcript.turns)))


@dataclass(frozen=True)
class Verdict:
    """What the AI said of a call. ``muted`` is its recording without what is personal."""

    lease: Lease
    attempt: Attempt
    heard: Heard
    said: Understanding
    provider: str
    muted: StoredFile | None = None

    @property
    def new_files(self) -> list[str]:
        """What was put into the storage for this, and is named by no row yet."""
        return [self.muted.name] if self.muted else []

    def finding(self) -> Finding:
        """Measure the call and put everything together."""
        fields = analysis_fields(
            self.heard.transcript, self.heard.redacted, self.said, self.provider
        )
        fields["provenance"]["attempts"] = self.attempt.number
        return Finding(
            self.lease,
            self.attempt,
            {name: value for name, value in fields.items() if name != "verdict"},
            asked=self.said.model not in NO_MODEL,
            muted=self.muted,
            verdict=fields["verdict"],
            request_id=_joined(self.said.request_ids),
        )


async def understand(
    lease: Lease,
    attempt: Attempt,
    provider: Provider,
    in_thread: InThread,
    *,
    heard: Heard | None = None,
    turn: Turnstile = NO_WAITING,
) -> Verdict:
    """Have a transcript judged: the newest, unless it is at hand."""
    heard = heard or await in_thread(_newest, lease)
    transcript, redacted = heard.transcript, heard.redacted
    async with turn:
        work = provider.understand(redacted.turns, language=settings.AI_LANGUAGE)
        said = await _within(limit_s_of(transcript.duration_ms, TIMEOUT_PER_TALK), work)
    muted = None
    if transcript.provenance["model"] != "text":  # what was written was not recorded
        muted = await in_thread(keep_redacted, lease.call_pk, redacted.redactions)
    return Verdict(lease, attempt, heard, said, provider.name, muted)


def _joined(request_ids: Sequence[str]) -> str:
    """Return as many of the ids as the row of an attempt holds; the first ones will do."""
    return ", ".join(request_ids)[:REQUEST_IDS_LENGTH]


class Found(Protocol):
    """What a stage brings, with the files that it has stored for it."""

    @property
    def new_files(self) -> list[str]: ...


async def keep(found: F, write: Callable[[F], Awaitable[T]], in_thread: InThread) -> T:
    """Write the rows that name the files; take the files away again if that is refused."""
    try:
        return await write(found)
    except LeaseLost:
        await in_thread(remove_files, found.new_files)
        raise


def analysis_fields(
    transcript: Transcript, redacted: Redacted, verdict: Understanding, provider: str
) -> dict[str, Any]:
    """Return what ``ledger.archive_all`` stores, measured and put together."""
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
