"""What is done for many calls in one go, around the one thing that each waits for: its AI.

Each function takes a list and returns one result for each item, an exception in place of those
that cannot be had. Everything that can be worked out is worked out before rows are locked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from calls.analysis import findings as analysis_findings
from calls.analysis.attempts import Taken
from calls.analysis.findings import Finding
from calls.analysis.leases import LeaseLost
from calls.analysis.media.textcall import TextCall
from calls.analysis.recording.material import load_materials
from calls.analysis.stages import Heard, Verdict, take_words
from calls.models import Analysis, Attempt, Call
from calls.redaction.redact import Redacted, redact

# A call without its state would be asked for it, one by one.
READ_FIELDS = ("state", "media", "missing_count", "speakers_swapped")


class Prepared(NamedTuple):
    """A call of words that is ready for the AI. ``attempt`` is the one at understanding it."""

    heard: Heard
    attempt: Attempt


def prepare_words(taken: Sequence[Taken], *, provider: str) -> list[Prepared | Exception | None]:
    """Read calls that are most likely words, store these, and begin what comes next.

    None stands for a call that turns out to be audio, with which nothing is done. What comes next
    may be held back: the words are stored all the same.
    """
    calls = Call.objects.only(*READ_FIELDS).in_bulk([lease.call_pk for lease, _ in taken])
    materials = dict(zip(calls, load_materials(list(calls.values())), strict=True))
    results: dict[int, Any] = {}
    findings: list[Finding] = []
    redacted: list[Redacted] = []
    for lease, attempt in taken:
        material = materials.get(lease.call_pk, LeaseLost(f"Call {lease.call_id} is gone."))
        if isinstance(material, TextCall):
            findings.append(take_words(lease, attempt, calls[lease.call_pk], material))
            redacted.append(redact(material.turns))
        else:
            results[lease.call_pk] = material if isinstance(material, Exception) else None
    stored = analysis_findings.save_words(findings, provider=provider) if findings else []
    for finding, clean, outcome in zip(findings, redacted, stored, strict=True):
        results[finding.lease.call_pk] = _prepared(outcome, clean)
    return [results[lease.call_pk] for lease, _ in taken]


def _prepared(
    outcome: analysis_findings.Stored | Exception, redacted: Redacted
) -> Prepared | Exception:
    if isinstance(outcome, Exception):
        return outcome
    if isinstance(outcome.next, Exception):
        return outcome.next
    return Prepared(Heard(outcome.transcript, redacted), outcome.next)


def archive_verdicts(verdicts: Sequence[Verdict]) -> list[Analysis | Exception]:
    """Measure calls that the AI has judged, and archive them."""
    return analysis_findings.archive_all([verdict.finding() for verdict in verdicts])
