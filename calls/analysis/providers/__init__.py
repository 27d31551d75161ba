"""The interface of an AI provider, and its one exception. No provider is in this module.

voice      Finds speech in audio, and rejects words that were not really heard
catalogue  Lists the providers that the settings can name
registry   Returns the provider that the settings ask for
local      Whisper and small models in this process, offline
openai     Any server that speaks the OpenAI API
chaos      Wraps a provider and makes it slow and flaky
null       Answers at once, without results
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from calls.conversation import CallAudio, Transcription, Turn, Understanding
from calls.formats.plain_text import clean_text, cut_text

MESSAGE_LENGTH = 1_000
CODE_LENGTH = 50
REQUEST_ID_LENGTH = 200

# Returns the enabled insights by name. Called for each call, as admins may edit them at any time.
Questions = Callable[[], Awaitable[Mapping[str, str]]]


async def no_questions() -> Mapping[str, str]:
    return {}


class ProviderError(Exception):
    """The provider failed.

    ``transient`` says whether another attempt may succeed. ``code`` is an HTTP status or a short
    word for people and metrics, ``retry_after_s`` the wait that the provider asks for, in seconds,
    and ``request_id`` the provider's id of its response. Texts of a server are cleaned and cut.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str,
        transient: bool,
        retry_after_s: float | None = None,
        request_id: str = "",
    ) -> None:
        super().__init__(cut_text(clean_text(message), MESSAGE_LENGTH))
        self.code = cut_text(clean_text(code), CODE_LENGTH)
        self.transient = transient
        self.retry_after_s = retry_after_s
        self.request_id = cut_text(clean_text(request_id), REQUEST_ID_LENGTH)


class Provider(Protocol):
    """An AI that transcribes calls and understands transcripts.

    The methods run on an event loop and must not block it. For every failure that can be expected,
    they raise ProviderError and nothing else.
    """

    name: str

    @property
    def speech_model(self) -> str:
        """The name of the model that ``transcribe`` uses now, as in Transcription."""
        ...

    async def transcribe(self, audio: CallAudio, *, language: str) -> Transcription:
        """Transcribe each channel. The channel tells who speaks."""
        ...

    async def understand(self, turns: Sequence[Turn], *, language: str) -> Understanding:
        """Find sentiment, summary, keywords and insights of turns without personal data."""
        ...
