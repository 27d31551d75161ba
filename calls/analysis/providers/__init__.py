"""The boundary to an AI: what a provider must do, and how it may fail. No provider is in here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from calls.conversation import CallAudio, Transcription, Turn, Understanding

# The enabled insights by name, asked for at each call: the admin may change them at any time.
Questions = Callable[[], Awaitable[Mapping[str, str]]]


async def no_questions() -> Mapping[str, str]:
    return {}


class ProviderError(Exception):
    """The provider could not do its work.

    ``transient`` tells whether another attempt may succeed, ``code`` is an HTTP status or a
    short word for people and metrics, ``retry_after_s`` the provider's own wish, in seconds,
    ``request_id`` what the provider calls its answer.
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
        super().__init__(message)
        self.code = code
        self.transient = transient
        self.retry_after_s = retry_after_s
        self.request_id = request_id


class Provider(Protocol):
    """An AI that turns audio into words and words into meaning.

    Methods run on an event loop and must not block it. They raise ProviderError and nothing
    else for what can be expected to go wrong.
    """

    name: str

    async def transcribe(self, audio: CallAudio, *, language: str) -> Transcription:
        """Turn each channel into words; the channel says who spoke."""
        ...

    async def understand(self, turns: Sequence[Turn], *, language: str) -> Understanding:
        """Judge mood and meaning of turns from which personal data is already removed."""
        ...
