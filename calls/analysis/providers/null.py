"""The provider that knows nothing and answers at once: to rehearse and measure everything else."""

from __future__ import annotations

from collections.abc import Sequence

from calls.conversation import CallAudio, Sentiment, Skipped, Transcription, Turn, Understanding

REASON = "There is no AI: AI_PROVIDER is null."


class NullProvider:
    """Hears nothing in audio, and finds every turn neutral. The result says so."""

    name = "null"

    async def transcribe(self, audio: CallAudio, *, language: str) -> Transcription:
        return Transcription(
            (),
            speech={channel.speaker: () for channel in audio.channels},
            duration_ms=audio.duration_ms,
            model="null",
            skipped=(Skipped("transcribe", REASON),),
        )

    async def understand(self, turns: Sequence[Turn], *, language: str) -> Understanding:
        return Understanding(
            tuple(Sentiment("NEUTRAL", 0.0) for _ in turns),
            summary="",
            keywords=(),
            model="null",
            skipped=(Skipped("understand", REASON),),
        )
