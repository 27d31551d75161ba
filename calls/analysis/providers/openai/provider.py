"""A provider for any OpenAI-compatible server: which requests it sends, and in which order.

It never retries a failed request: ``attempts`` does that, and records each attempt. But if a server
rejects an optional feature, the provider sends a simpler request and remembers to do so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import httpx
from django.conf import settings

from calls.analysis.providers import ProviderError, Questions, no_questions
from calls.analysis.providers.openai import chat, errors
from calls.analysis.providers.openai.audio import UploadPiece, encode, pieces
from calls.analysis.providers.openai.completion import read_choice
from calls.analysis.providers.openai.transcription import (
    AudioTranscript,
    Unreadable,
    find_speech,
    read_answer,
)
from calls.conversation import (
    SPEAKERS,
    CallAudio,
    Channel,
    Skipped,
    Span,
    Speaker,
    Transcription,
    Turn,
    Understanding,
    join_turns,
)

CONNECT_TIMEOUT_S = 10.0
RAISED_LIMIT = 16_384  # tokens
MIN_SPEECH_MS = 1000  # with this much speech, an empty response must be wrong
REFUSED_FORM = {400, 422}
WORDS, SEGMENTS, TEXT = range(3)  # how precise the times in a response are
_FORMS: tuple[dict[str, Any], ...] = (
    {"response_format": "verbose_json", "timestamp_granularities[]": ["word", "segment"]},
    {"response_format": "verbose_json"},
    {"response_format": "json"},
)


class UnknownLimit(Exception):
    """The model rejects ``max_tokens``. Newer models accept only ``max_completion_tokens``."""


@dataclass(frozen=True, slots=True)
class TranscribedChannel:
    """The transcript of one channel. ``asked`` says whether the server was asked."""

    speaker: Speaker
    turns: tuple[Turn, ...] = ()
    speech: tuple[Span, ...] = ()
    skipped: tuple[str, ...] = ()
    request_ids: tuple[str, ...] = ()
    asked: bool = False


class OpenAIProvider:
    """``questions`` returns the enabled insights by name; ``speech`` finds when a side talks."""

    name = "openai"

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str = "",
        transcribe_model: str,
        chat_model: str,
        timeout_s: float = 120,
        questions: Questions = no_questions,
        speech: Callable[[Channel], tuple[Span, ...]] = find_speech,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._transcribe_model, self._chat_model = transcribe_model, chat_model
        self._timeout_s = timeout_s
        self._questions, self._speech = questions, speech
        self._form = WORDS
        self._rung = 0
        self._unwanted: set[str] = set()
        self._limit = "max_tokens"
        self._tls = httpx.create_ssl_context()

    @property
    def speech_model(self) -> str:
        return self._transcribe_model

    async def transcribe(self, audio: CallAudio, *, language: str) -> Transcription:
        """Transcribe each channel separately, so that the speaker is certain."""
        with errors.bounded_depth():
            return await self._transcribe(audio, language=language)

    async def _transcribe(self, audio: CallAudio, *, language: str) -> Transcription:
        async with self._client() as client:
            tracks = [await self._track(client, each, language) for each in audio.channels]
        skipped = [text for track in tracks for text in track.skipped]
        asked = any(track.asked for track in tracks)
        return Transcription(
            turns=join_turns(turn for track in tracks for turn in track.turns),
            speech={
                who: next((track.speech for track in tracks if track.speaker == who), ())
                for who in SPEAKERS
            },
            duration_ms=audio.duration_ms,
            model=self._transcribe_model if asked else "none",
            skipped=tuple(Skipped("transcribe", text) for text in skipped),
            request_ids=tuple(each for track in tracks for each in track.request_ids),
        )

    async def _track(
        self, client: httpx.AsyncClient, channel: Channel, language: str
    ) -> TranscribedChannel:
        who = channel.speaker
        speech = await asyncio.to_thread(self._speech, channel)
        if not speech:
            silent = f"No speech was found in the {who}'s channel, so it was not sent."
            return TranscribedChannel(who, skipped=(silent,))
        heard = [await self._hear(client, piece, language, speech) for piece in pieces(channel)]
        turns = tuple(turn for part in heard for turn in part.turns)
        ids = tuple(part.request_id for part in heard if part.request_id)
        return TranscribedChannel(who, turns, speech, tuple(_remarks(who, heard)), ids, asked=True)

    async def _hear(
        self, client: httpx.AsyncClient, piece: UploadPiece, language: str, speech: Sequence[Span]
    ) -> AudioTranscript:
        name, content, media_type = await asyncio.to_thread(encode, piece.channel)
        file = {"file": (name, content, media_type)}
        fields = {"model": self._transcribe_model, "temperature": "0"}
        if code := language.partition("-")[0].lower():
            fields["language"] = code
        # Allow as long as the whole stage may take. ``stages`` enforces that limit.
        seconds = max(self._timeout_s, 2.5 * piece.channel.duration_ms / 1000)
        response = await self._post_audio(client, file, fields, timeout=_timeout(seconds))
        extent = Span(piece.begin_ms, piece.end_ms)
        try:
            heard = read_answer(errors.json_body(response), piece.channel.speaker, extent, speech)
        except Unreadable as error:
            raise errors.invalid_answer(str(error), response) from error
        _refuse_empty(heard, extent, speech, response)
        return replace(heard, request_id=errors.request_id(response))

    async def _post_audio(
        self, client: httpx.AsyncClient, file: Any, fields: dict[str, str], **options: Any
    ) -> httpx.Response:
        """Ask for words and segments with times. Fall back to less if the server cannot do it."""
        for form in range(self._form, len(_FORMS)):
            data = {**fields, **_FORMS[form]}
            response = await _post(
                client, "/audio/transcriptions", data=data, files=file, **options
            )
            if response.is_success:
                self._form = form
                return response
            if response.status_code not in REFUSED_FORM:
                break
        raise errors.from_response(response)

    async def understand(self, turns: Sequence[Turn], *, language: str) -> Understanding:
        """Ask for sentiment, summary, keywords and insights in one request."""
        if not turns:
            nothing = (Skipped("understand", "Nothing was said."),)
            return Understanding((), "", (), model="none", skipped=nothing)
        with errors.bounded_depth():
            return await self._understand(turns, language=language)

    async def _understand(self, turns: Sequence[Turn], *, language: str) -> Understanding:
        questions = await self._questions()
        request = {
            "model": self._chat_model,
            "messages": chat.messages(turns, questions, language=language),
            "temperature": 0,
        }
        async with self._client() as client:
            response, text = await self._complete(client, request, questions)
        try:
            answer = chat.read_json(text)
            sentiments, left_out = chat.read_sentiments(answer, turns)
            return Understanding(
                sentiments=sentiments,
                summary=chat.read_summary(answer),
                summary_kind="prose",
                keywords=chat.read_keywords(answer),
                model=self._chat_model,
                insights=chat.read_insights(answer, questions),
                skipped=tuple(Skipped("understand", note) for note in left_out),
                prompt=chat.prompt_version(questions, language=language),
                request_ids=tuple(filter(None, [errors.request_id(response)])),
            )
        except Unreadable as error:
            raise errors.invalid_answer(str(error), response) from error

    async def _complete(
        self, client: httpx.AsyncClient, request: dict[str, Any], questions: Mapping[str, str]
    ) -> tuple[httpx.Response, str]:
        """Return the text of a complete response. If it was cut off, ask again with more room."""
        response = await self._post_chat(client, request, questions)
        text, reason = read_choice(response)
        if reason == "length":
            response = await self._post_longer(client, request, questions)
            text, reason = read_choice(response)
        if reason == "length":
            message = errors.with_request_id("The response was cut off by its limit.", response)
            found = errors.request_id(response)
            raise ProviderError(message, code="length", transient=False, request_id=found)
        return response, text

    async def _post_longer(
        self, client: httpx.AsyncClient, request: dict[str, Any], questions: Mapping[str, str]
    ) -> httpx.Response:
        """Ask with a higher token limit, under the name that the server knows."""
        longer = {**request, self._limit: RAISED_LIMIT}
        try:
            return await self._post_chat(client, longer, questions)
        except UnknownLimit:
            self._limit = "max_completion_tokens"
            return await self._post_chat(client, {**request, self._limit: RAISED_LIMIT}, questions)

    async def _post_chat(
        self, client: httpx.AsyncClient, request: dict[str, Any], questions: Mapping[str, str]
    ) -> httpx.Response:
        """Ask with the strictest response format that the server accepts, and remember it."""
        rung = self._rung
        while True:
            wanted = {name: each for name, each in request.items() if name not in self._unwanted}
            body = {**wanted, **chat.response_format(chat.RUNGS[rung], questions)}
            response = await _post(client, "/chat/completions", json=body)
            if response.is_success:
                self._rung = rung
                return response
            if response.status_code not in REFUSED_FORM:
                break
            refused = errors.error_param(response)
            if refused == "max_tokens" and "max_tokens" in wanted:
                raise UnknownLimit
            # Some models reject any temperature but their own.
            if refused == "temperature" and "temperature" in wanted:
                self._unwanted.add("temperature")
            elif rung + 1 < len(chat.RUNGS):
                rung += 1
            else:
                break
        raise errors.from_response(response)

    def _client(self) -> httpx.AsyncClient:
        # One client per stage: a client is bound to one event loop, a provider serves several.
        return httpx.AsyncClient(
            base_url=self._base_url,
            headers=self._headers,
            timeout=_timeout(self._timeout_s),
            verify=self._tls,
        )


def _timeout(seconds: float) -> httpx.Timeout:
    return httpx.Timeout(seconds, connect=min(CONNECT_TIMEOUT_S, seconds))


async def _post(client: httpx.AsyncClient, path: str, **request: Any) -> httpx.Response:
    """Post a request, and return the response, or the error that it holds, whatever its status."""
    try:
        async with client.stream("POST", path, **request) as response:
            answer = await errors.read_bounded(response)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise errors.from_transport(error) from error
    return errors.unmask(answer)


def _refuse_empty(
    heard: AudioTranscript, extent: Span, speech: Sequence[Span], response: httpx.Response
) -> None:
    """Raise ProviderError if speech has no words: some servers fail with an empty 200."""
    spoken_ms = sum(
        max(0, min(span.end_ms, extent.end_ms) - max(span.begin_ms, extent.begin_ms))
        for span in speech
    )
    if heard.text or spoken_ms < MIN_SPEECH_MS:
        return
    message = f"No word came back for {spoken_ms / 1000:.1f} s of speech."
    raise ProviderError(
        errors.with_request_id(message, response),
        code="empty_transcript",
        transient=True,
        request_id=errors.request_id(response),
    )


def _remarks(who: Speaker, heard: Sequence[AudioTranscript]) -> list[str]:
    remarks = []
    dropped = [span for part in heard for span in part.dropped]
    if dropped:
        seconds = sum(span.duration_ms for span in dropped) / 1000
        remarks.append(
            f"{len(dropped)} passages of the {who} ({seconds:.1f} s) were too unclear to keep."
        )
    doubtful = [span for part in heard for span in part.doubtful]
    if doubtful:
        seconds = sum(span.duration_ms for span in doubtful) / 1000
        remarks.append(
            f"{len(doubtful)} passages of the {who} ({seconds:.1f} s) lie where no speech was "
            "found: they may be invented."
        )
    if any(part.estimated for part in heard):
        remarks.append(f"The server gave no times for the {who}'s words: times are estimated.")
    return remarks


def from_settings(questions: Questions) -> OpenAIProvider:
    """Build the provider that the settings describe."""
    return OpenAIProvider(
        base_url=settings.OPENAI_BASE_URL,
        api_key=settings.OPENAI_API_KEY,
        transcribe_model=settings.OPENAI_TRANSCRIBE_MODEL,
        chat_model=settings.OPENAI_CHAT_MODEL,
        timeout_s=settings.OPENAI_TIMEOUT,
        questions=questions,
    )
