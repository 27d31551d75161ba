"""Steps that handle many calls together, before and after each call's own request to the AI.

Each function takes a list and returns one result for each item, or an exception in its place.
Everything slow is computed before rows are locked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from calls.analysis import findings
from calls.analysis.attempts import ClaimedCall
from calls.analysis.findings import StageResult
from calls.analysis.leases import LeaseLost
from calls.analysis.media.textcall import TextCall
from calls.analysis.recording.material import load_materials
from calls.analysis.stages import (
    READ_FIELDS,
    RedactedTranscript,
    UnderstoodCall,
    language_of,
    take_words,
)
from calls.models import Analysis, Attempt, Call
from calls.redaction.redact import Redacted, redact


class Prepared(NamedTuple):
    """A text call that is ready for the AI. ``attempt`` is its attempt at ``understand``."""

    heard: RedactedTranscript
    attempt: Attempt


def prepare_words(
    taken: Sequence[ClaimedCall], *, provider: str
) -> list[Prepared | Exception | None]:
    """Save the transcripts of calls that are most likely text, and start ``understand``.

    Returns None in place of a call that turns out to be audio; nothing is written for it. If the
    next attempt is held back, the result is that exception, and the transcript is saved anyway.
    """
    calls = Call.objects.only(*READ_FIELDS).in_bulk([lease.call_pk for lease, _ in taken])
    materials = dict(zip(calls, load_materials(list(calls.values())), strict=True))
    results: dict[int, Any] = {}
    transcripts: list[StageResult] = []
    redacted: list[Redacted] = []
    for lease, attempt in taken:
        material = materials.get(lease.call_pk, LeaseLost(f"Call {lease.call_id} is gone."))
        if isinstance(material, TextCall):
            transcripts.append(take_words(lease, attempt, calls[lease.call_pk], material))
            redacted.append(redact(material.turns, language=language_of(calls[lease.call_pk])))
        else:
            results[lease.call_pk] = material if isinstance(material, Exception) else None
    stored = findings.save_words(transcripts, provider=provider) if transcripts else []
    for saved, clean, outcome in zip(transcripts, redacted, stored, strict=True):
        pk = saved.lease.call_pk
        results[pk] = _prepared(outcome, clean, language_of(calls[pk]))
    return [results[lease.call_pk] for lease, _ in taken]


def _prepared(
    outcome: findings.Stored | Exception, redacted: Redacted, language: str
) -> Prepared | Exception:
    if isinstance(outcome, Exception):
        return outcome
    if isinstance(outcome.next, Exception):
        return outcome.next
    return Prepared(RedactedTranscript(outcome.transcript, redacted, language), outcome.next)


def archive_understood(understood: Sequence[UnderstoodCall]) -> list[Analysis | Exception]:
    """Measure calls that the AI has understood, and archive them."""
    return findings.archive_calls([each.result() for each in understood])
