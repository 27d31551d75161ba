"""A provider that knows nothing and answers at once, for rehearsals and benchmarks."""

from __future__ import annotations

from collections.abc import Sequence

from calls.analysis.providers import Questions
from calls.conversation import CallAudio, Skipped, Transcription, Turn, Understanding

REASON = "AI is turned off: AI_PROVIDER is null."


class NullProvider:
    """Returns no words for audio, and judges no turn. ``skipped`` says so."""

    name = "null"
    speech_model = "null"

    async def transcribe(self, audio: CallAudio, *, language: str) -> Transcription:
        return Transcription(
            (),
            speech={},  # nobody has looked for it
            duration_ms=audio.duration_ms,
            model="null",
            skipped=(Skipped("transcribe", REASON),),
        )

    async def understand(self, turns: Sequence[Turn], *, language: str) -> Understanding:
        return Understanding(
            tuple(None for _ in turns),
            summary="",
            keywords=(),
            model="null",
            skipped=(Skipped("understand", REASON),),
        )


def from_settings(questions: Questions) -> NullProvider:
    """Build the provider. It has no settings and answers no questions."""
    return NullProvider()
