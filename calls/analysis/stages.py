"""The two stages of an analysis, ``transcribe`` and ``understand``: load, ask the AI, return.

A stage writes no rows. It stores files, and ``findings`` saves its result and the files' names.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import asdict, dataclass
from typing import Any, Protocol, TypeVar

from django.conf import settings

from calls.analysis.cleaning import clean_transcription, clean_understanding
from calls.analysis.findings import StageResult
from calls.analysis.leases import Lease, LeaseLost
from calls.analysis.live.reuse.transcript import HeardLive, find_heard
from calls.analysis.media.audibility import find_sound_troubles
from calls.analysis.media.expected import late_notes, measure_length
from calls.analysis.media.textcall import TextCall
from calls.analysis.media.troubles import as_stored
from calls.analysis.metrics import headline, measure
from calls.analysis.providers import Provider, ProviderError
from calls.analysis.recording.files import (
    NotKept,
    StoredAudio,
    StoredFile,
    keep_audio,
    keep_redacted,
    remove_files,
)
from calls.analysis.recording.material import load_material
from calls.conversation import (
    CallAudio,
    Sentiment,
    Skipped,
    Span,
    Transcription,
    Understanding,
    turn_as_json,
    turns_from_json,
)
from calls.models import Attempt, Call, LiveTranscription, Transcript
from calls.redaction.redact import Redacted, redact
from calls.telemetry.tracing import span

# ``state`` is here because transitions read it. Left out, Django would load it call by call.
READ_FIELDS = (
    *("state", "media", "language", "missing_count", "late_count", "speakers_swapped"),
    *("opened_at", "last_packet_at", "media_override"),
)

InThread = Callable[..., Awaitable[Any]]
T = TypeVar("T")
F = TypeVar("F", bound="HasNewFiles")
# Limits how many calls ask the AI at the same time.
Turnstile = AbstractAsyncContextManager[Any]
UNLIMITED: Turnstile = nullcontext()
NO_MODEL = {"none", "text"}  # the ``model`` of results for which no AI was asked
REQUEST_IDS_LENGTH = 200
# Time limits grow with the length of the call.
TIMEOUT_PER_AUDIO = 2.5  # transcribing an hour of audio may take two and a half hours
TIMEOUT_PER_TALK = 0.25  # understanding it may take a quarter of an hour


async def transcribe(
    lease: Lease,
    attempt: Attempt,
    provider: Provider,
    in_thread: InThread,
    *,
    turn: Turnstile = UNLIMITED,
) -> StageResult:
    """Turn the packets of a call into turns by speaker. Text is taken as it is, without the AI.

    Raises ProviderError.
    """
    call, material, live = await in_thread(_load, lease, provider)
    if isinstance(material, TextCall):
        return take_words(lease, attempt, call, material)
    if not material.duration_ms:
        heard = _nothing(material)
    else:
        limit_s = limit_s_of(material.duration_ms, TIMEOUT_PER_AUDIO)
        async with turn:
            rest = live.rest if live else material
            work = provider.transcribe(rest, language=language_of(call))
            with span(
                "provider request", kind="client", provider=provider.name, stage="transcribe"
            ):
                heard = await _within(limit_s, work)
        heard = clean_transcription(heard, duration_ms=rest.duration_ms)
    asked = heard.model not in NO_MODEL
    if live:
        heard = live.joined_with(heard)
        heard = clean_transcription(heard, duration_ms=material.duration_ms)
    fields = transcript_fields(heard, material, call=call, provider=provider.name)
    fields["provenance"]["attempts"] = attempt.number
    fields["provenance"]["heard_live_ms"] = live.heard_ms if live else 0
    fields["provenance"]["troubles"] = as_stored(
        await in_thread(find_sound_troubles, material, heard)
    )
    audio, notes = await in_thread(_keep, call, material)
    fields["provenance"]["notes"] += notes
    ids = _joined(heard.request_ids)
    return StageResult(lease, attempt, fields, asked=asked, audio=audio, request_id=ids)


def language_of(call: Call) -> str:
    """Return the language of a call, or else of the site; empty if the AI has to find out."""
    return call.language or str(settings.AI_LANGUAGE)


def take_words(lease: Lease, attempt: Attempt, call: Call, text: TextCall) -> StageResult:
    """Return the transcript of a text call. This needs no AI."""
    fields = transcript_fields(_written(text), text, call=call, provider="none")
    fields["provenance"]["attempts"] = attempt.number
    return StageResult(lease, attempt, fields, asked=False)


def _keep(call: Call, material: CallAudio) -> tuple[StoredAudio | None, list[str]]:
    """Store the recording, and return the notes about that. No call fails without one."""
    try:
        return keep_audio(call, material), []
    except NotKept as error:
        return None, [str(error)]


def _load(lease: Lease, provider: Provider) -> tuple[Call, CallAudio | TextCall, HeardLive | None]:
    call = Call.objects.get(pk=lease.call_pk)
    material = load_material(call)
    if isinstance(material, TextCall) or not LiveTranscription.objects.filter(call=call).exists():
        return call, material, None
    model, language = provider.speech_model, language_of(call)
    return call, material, find_heard(call, material, model=model, language=language)


def limit_s_of(duration_ms: int, share: float) -> float:
    """Return the time limit of a stage in seconds: ``share`` of the call's length, but at least
    AI_TIMEOUT.
    """
    return float(max(settings.AI_TIMEOUT, share * duration_ms / 1000))


async def _within(limit_s: float, work: Awaitable[T]) -> T:
    try:
        async with asyncio.timeout(limit_s):
            return await work
    except TimeoutError as error:
        raise ProviderError(
            f"No response within {limit_s:g} s.", code="timeout", transient=True
        ) from error


def _nothing(audio: CallAudio) -> Transcription:
    skipped = (Skipped("transcribe", next(iter(audio.notes), "No audio was received.")),)
    return Transcription((), speech={}, duration_ms=0, model="none", skipped=skipped)


def _written(text: TextCall) -> Transcription:
    end = max((turn.end_ms for turn in text.turns), default=0)
    skipped = (Skipped("transcribe", "The call arrived as text."),)
    return Transcription(text.turns, speech={}, duration_ms=end, model="text", skipped=skipped)


def transcript_fields(
    heard: Transcription, material: CallAudio | TextCall, *, call: Call, provider: str
) -> dict[str, Any]:
    if isinstance(material, CallAudio):
        received = _received(heard, material, call)
    else:
        received, provider = {"notes": [*material.notes, *late_notes(call)]}, "none"
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
    """Return how much audio of a call was received, and what is missing."""
    missing_ms = sum(span.duration_ms for span in audio.missing)
    known = audio.received_ms
    received_ms = max(0, heard.duration_ms - missing_ms) if known is None else known
    length = measure_length(call, received_ms)
    return {
        # A recording that is analysed again already carries notes of the previous round.
        "notes": list(dict.fromkeys([*audio.notes, *length.notes, *late_notes(call)])),
        "missing_ms": missing_ms,
        "missing": [asdict(span) for span in audio.missing],
        "received_ms": length.received_ms,
        "expected_ms": length.expected_ms,
    }


@dataclass(frozen=True)
class RedactedTranscript:
    """A transcript, and its turns without personal data. Only the latter go to the AI."""

    transcript: Transcript
    redacted: Redacted
    language: str


def _newest(lease: Lease) -> RedactedTranscript:
    transcript = Transcript.objects.filter(call=lease.call_pk).select_related("call").latest()
    language = language_of(transcript.call)
    redacted = redact(turns_from_json(transcript.turns), language=language)
    return RedactedTranscript(transcript, redacted, language)


@dataclass(frozen=True)
class UnderstoodCall:
    """What the AI answered about a call. ``muted`` is its recording without personal data."""

    lease: Lease
    attempt: Attempt
    heard: RedactedTranscript
    said: Understanding
    provider: str
    muted: StoredFile | None = None

    @property
    def new_files(self) -> list[str]:
        """Names of the stored files that no row refers to yet."""
        return [self.muted.name] if self.muted else []

    def result(self) -> StageResult:
        """Measure the call, and combine the figures with the AI's answers."""
        fields = analysis_fields(
            self.heard.transcript, self.heard.redacted, self.said, self.provider
        )
        fields["provenance"]["attempts"] = self.attempt.number
        return StageResult(
            self.lease,
            self.attempt,
            {name: value for name, value in fields.items() if name != "headline"},
            asked=self.said.model not in NO_MODEL,
            muted=self.muted,
            headline=fields["headline"],
            request_id=_joined(self.said.request_ids),
        )


async def understand(
    lease: Lease,
    attempt: Attempt,
    provider: Provider,
    in_thread: InThread,
    *,
    heard: RedactedTranscript | None = None,
    turn: Turnstile = UNLIMITED,
) -> UnderstoodCall:
    """Ask the AI about a transcript. Loads the newest one unless ``heard`` is given.

    Raises ProviderError.
    """
    heard = heard or await in_thread(_newest, lease)
    transcript, redacted = heard.transcript, heard.redacted
    async with turn:
        work = provider.understand(redacted.turns, language=heard.language)
        limit_s = limit_s_of(transcript.duration_ms, TIMEOUT_PER_TALK)
        with span("provider request", kind="client", provider=provider.name, stage="understand"):
            said = await _within(limit_s, work)
    said = clean_understanding(said, turns=len(redacted.turns))
    muted = None
    if transcript.provenance["model"] != "text":  # a text call has no recording
        muted = await in_thread(keep_redacted, lease.call_pk, redacted.redactions)
    return UnderstoodCall(lease, attempt, heard, said, provider.name, muted)


def _joined(request_ids: Sequence[str]) -> str:
    """Join the ids, cut to the length of the attempt's column."""
    return ", ".join(request_ids)[:REQUEST_IDS_LENGTH]


class HasNewFiles(Protocol):
    """A result that refers to stored files."""

    @property
    def new_files(self) -> list[str]: ...


async def keep(found: F, write: Callable[[F], Awaitable[T]], in_thread: InThread) -> T:
    """Write the rows that refer to the files. Remove the files if they were not written.

    Files are stored first: a file without a row is harmless, a row without a file is not.
    """
    try:
        return await write(found)
    except (LeaseLost, ProviderError):
        await in_thread(remove_files, found.new_files)
        raise


def analysis_fields(
    transcript: Transcript, redacted: Redacted, said: Understanding, provider: str
) -> dict[str, Any]:
    """Return the fields of an Analysis, and ``headline`` for the call's row."""
    speech = {who: tuple(_span(span) for span in spans) for who, spans in transcript.speech.items()}
    measured = measure(
        redacted.turns, said.sentiments, speech=speech, duration_ms=transcript.duration_ms
    ).as_json()
    return {
        "transcript": transcript,
        "turns": [
            {**turn_as_json(turn), **_sentiment_fields(sentiment)}
            for turn, sentiment in zip(redacted.turns, said.sentiments, strict=True)
        ],
        "summary": said.summary,
        "summary_kind": said.summary_kind if said.summary else "",
        "keywords": list(said.keywords),
        "insights": said.insights,
        "metrics": measured,
        "redactions": [asdict(item) for item in redacted.redactions],
        "skipped": [
            *transcript.skipped,
            *(asdict(skipped) for skipped in (*_not_redacted(redacted), *said.skipped)),
        ],
        "provenance": {
            "provider": provider,
            "model": said.model,
            "redaction": {"rules": list(redacted.languages.ruled)},
            **({"prompt": said.prompt} if said.prompt else {}),
        },
        "headline": headline({**measured, "unjudged_language": said.unjudged_language}),
    }


def _not_redacted(redacted: Redacted) -> tuple[Skipped, ...]:
    note = redacted.languages.note
    return (Skipped("redaction", note),) if note else ()


def _sentiment_fields(sentiment: Sentiment | None) -> dict[str, Any]:
    if sentiment is None:
        return {"sentiment": None, "score": None}
    return {"sentiment": sentiment.label, "score": round(sentiment.score, 2)}


def _span(span: dict[str, int]) -> Span:
    return Span(span["begin_ms"], span["end_ms"])
