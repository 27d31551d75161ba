"""Swaps agent and customer of a call, in everything that is known of it: one transaction.

Results keep their old versions and get new ones with the roles exchanged, so that the page is
right at once; then ``understand`` judges the call anew. The audio is not written anew: it is
turned while it is read. What is heard later is exchanged when it is heard.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Case, Max, Value, When
from django.utils import timezone

from calls import events
from calls.analysis.attempts import close, save_attempts
from calls.analysis.leases import LEASE_FIELDS, let_go
from calls.analysis.media.roles import NOT_REWRITTEN, swap_keys, swap_turns, toggle_note
from calls.analysis.providers import ProviderError
from calls.events import Entry
from calls.lifecycle import CallState
from calls.models import Alert, Analysis, Attempt, Call, Recording, Stage, Transcript
from calls.search.index import words_of, write_entries
from calls.services import lock_call, requeue
from calls.waking import wake_worker

HEADLINE = ("agent_sentiment", "agent_trend", "customer_sentiment", "customer_trend")


def swap_speakers(*, call_id: str, swapped: bool, by: str = "") -> Call:
    """Say whether agent and customer are the other way round than received.

    A call that is over and has a transcript is judged anew, from that transcript. One that is
    being analysed is taken from its worker, at no cost. Repeated, it does nothing.
    Raises CallNotFound.
    """
    with transaction.atomic():
        call = lock_call(call_id)
        if call.speakers_swapped == swapped:
            return call
        now = timezone.now()
        call.speakers_swapped = swapped
        _swap_headline(call)
        call.save(update_fields=["speakers_swapped", *HEADLINE])
        has_words = _swap_results(call)
        _turn_round(call)
        entries = _take_from_worker(call, now=now)
        entries.append((call, events.SpeakersSwapped(swapped=swapped, by=by)))
        events.append(entries, at=now)
        if has_words and call.is_over:
            call.first_stage = Stage.UNDERSTAND
            again = call.reanalyse if call.state == CallState.ARCHIVED else call.retry
            requeue(call, again, action="swapped", by=by)
    return call


def _swap_headline(call: Call) -> None:
    call.agent_sentiment, call.customer_sentiment = call.customer_sentiment, call.agent_sentiment
    call.agent_trend, call.customer_trend = call.customer_trend, call.agent_trend


def _swap_results(call: Call) -> bool:
    """Add versions of the newest results with the roles exchanged, if there are any."""
    analysis = call.analyses.select_related("transcript").order_by("-version").first()
    newest = call.transcripts.order_by("-version").first()
    if newest is None:
        return False
    # The newest analysis may be of an older transcript: the one after it could not be judged.
    shown = [analysis.transcript] if analysis and analysis.transcript != newest else []
    copies = _copy_transcripts(call, [*shown, newest])
    if analysis is not None:
        _copy_analysis(call, analysis, copies[analysis.transcript_id])
    return True


def _copy_transcripts(call: Call, transcripts: Iterable[Transcript]) -> dict[int, Transcript]:
    copies: dict[int, Transcript] = {}
    last = call.transcripts.aggregate(last=Max("version"))["last"]
    for version, before in enumerate(transcripts, last + 1):
        notes = toggle_note(before.provenance.get("notes", []), swapped=call.speakers_swapped)
        copies[before.pk] = call.transcripts.create(
            version=version,
            duration_ms=before.duration_ms,
            turns=swap_turns(before.turns),
            speech=swap_keys(before.speech),
            skipped=before.skipped,
            provenance={**before.provenance, "notes": notes, "swapped_from": before.version},
            # When it was heard: packets that came later are not in this one either.
            created_at=before.created_at,
        )
    return copies


def _copy_analysis(call: Call, before: Analysis, transcript: Transcript) -> None:
    made = call.analyses.create(
        transcript=transcript,
        version=before.version + 1,
        turns=swap_turns(before.turns),
        summary=before.summary,
        keywords=before.keywords,
        insights=before.insights,
        metrics=swap_keys(before.metrics),
        redactions=before.redactions,
        skipped=[*(each for each in before.skipped if each != NOT_REWRITTEN), NOT_REWRITTEN],
        provenance={**before.provenance, "swapped_from": before.version},
        created_at=before.created_at,
    )
    write_entries([made], {call.pk: words_of(made)})


def _turn_round(call: Call) -> None:
    """Turn the recording, and name the other side where an alert quotes one."""
    whether = Case(When(turned=True, then=Value(False)), default=Value(True))
    Recording.objects.filter(call=call).update(turned=whether)
    sides = [
        When(speaker="agent", then=Value("customer")),
        When(speaker="customer", then=Value("agent")),
    ]
    Alert.objects.filter(call=call).exclude(speaker="").update(speaker=Case(*sides))


def _take_from_worker(call: Call, *, now: datetime) -> list[Entry]:
    """Take a call out of a worker's hands, who has heard or reads it the wrong way round.

    What that worker writes from now on is refused; the call is due again at once.
    """
    if call.state != CallState.PROCESSING_AI:
        return []
    error = ProviderError("The speakers were swapped.", code="swapped", transient=True)
    running = list(call.attempts.filter(outcome=Attempt.Outcome.RUNNING))
    entries = [close(call, each, Attempt.Outcome.RELEASED, error, now=now) for each in running]
    save_attempts(running)
    if call.lease_owner:
        let_go(call)
        call.save(update_fields=LEASE_FIELDS)
        wake_worker()
    return entries
