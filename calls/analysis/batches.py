"""What is done for many calls in one go, around the one thing that each waits for: its AI.

Each function takes a list and returns one result for each item, an exception in place of those
that cannot be had. Everything that can be worked out is worked out before rows are locked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from calls.analysis import ledger
from calls.analysis.held import Lease, LeaseLost
from calls.analysis.material import Material, load_materials
from calls.analysis.media import TextCall
from calls.analysis.redaction import redact
from calls.analysis.stages import Heard, Loaded, Verdict, take_words
from calls.models import Analysis, Attempt, Call


class Taken(NamedTuple):
    """A call in a worker's hands, and the attempt at its next stage, which has begun."""

    lease: Lease
    attempt: Attempt


class Prepared(NamedTuple):
    """A call of words that is ready for the AI. ``attempt`` is the one at understanding it, or
    what holds that back."""

    heard: Heard
    attempt: Attempt | Exception


def prepare_words(taken: Sequence[Taken], *, provider: str) -> list[Prepared | Loaded | Exception]:
    """Read calls that are most likely words, store these, and begin what comes next.

    Those that turn out to be audio are handed back as they were read.
    """
    results: list[Any] = _read([lease for lease, _ in taken])
    words = [place for place, found in enumerate(results) if _is_words(found)]
    findings = [take_words(*taken[place], *results[place]) for place in words]
    redacted = [redact(results[place][1].turns) for place in words]
    stored = ledger.save_words(findings, provider=provider) if words else []
    for place, clean, outcome in zip(words, redacted, stored, strict=True):
        if isinstance(outcome, Exception):
            results[place] = outcome
        else:
            transcript, attempt = outcome
            results[place] = Prepared(Heard(transcript, clean), attempt)
    return results


def _read(leases: Sequence[Lease]) -> list[Loaded | Exception]:
    calls = Call.objects.in_bulk([lease.call_pk for lease in leases])
    materials = dict(zip(calls, load_materials(list(calls.values())), strict=True))
    return [_loaded(lease, calls.get(lease.call_pk), materials) for lease in leases]


def _loaded(
    lease: Lease, call: Call | None, materials: Mapping[int, Material | Exception]
) -> Loaded | Exception:
    if call is None:
        return LeaseLost(f"Call {lease.call_id} is gone.")
    material = materials[call.pk]
    return material if isinstance(material, Exception) else (call, material)


def _is_words(found: Loaded | Exception) -> bool:
    return not isinstance(found, Exception) and isinstance(found[1], TextCall)


def archive_verdicts(verdicts: Sequence[Verdict]) -> list[Analysis | Exception]:
    """Measure calls that the AI has judged, and archive them."""
    return ledger.archive_all([verdict.finding() for verdict in verdicts])
