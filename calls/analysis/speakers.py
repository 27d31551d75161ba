"""Swapping the agent and the customer of a call, in all of its data, in one transaction.

Results keep their old versions and get new ones with the roles swapped, so that the page is right
at once. Then ``understand`` runs again. The audio files stay as they are: their channels are
swapped when they are read. Later transcripts are swapped when they are made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Case, Max, Value, When
from django.utils import timezone

from calls import events
from calls.analysis.attempts import close_attempt, save_attempts
from calls.analysis.leases import LEASE_FIELDS, clear_lease
from calls.analysis.media.roles import NOT_REWRITTEN, swap_keys, swap_turns, toggle_note
from calls.analysis.media.troubles import as_stored, from_stored, swap_troubles
from calls.analysis.providers import ProviderError
from calls.events import Entry
from calls.lifecycle import CallState
from calls.models import Alert, AlertRule, Analysis, Attempt, Call, Recording, Stage, Transcript
from calls.resolution import resolve
from calls.search.index import words_of, write_entries
from calls.services import lock_call, requeue
from calls.waking import wake_worker

HEADLINE = ("agent_sentiment", "agent_trend", "customer_sentiment", "customer_trend")
ABOUT_WORDS = (AlertRule.Kind.WORDS, AlertRule.Kind.NOT_SAID, AlertRule.Kind.SENTIMENT)


def swap_speakers(*, call_id: str, swapped: bool, by: str = "") -> Call:
    """Set whether agent and customer are swapped, compared to how they were received.

    A finished call that has a transcript goes through ``understand`` again. A call that is being
    analysed is taken from its worker; this uses up no attempt. Setting the same value again does
    nothing. Raises CallNotFound.
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
        _swap_recording(call)
        entries = [*_correct_alerts(call, now=now), *_revoke_lease(call, now=now)]
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
    """Add new versions of the newest results with the roles swapped, if there are any."""
    analysis = call.analyses.select_related("transcript").order_by("-version").first()
    newest = call.transcripts.order_by("-version").first()
    if newest is None:
        return False
    # The newest analysis may belong to an older transcript, if ``understand`` failed since.
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
            provenance={
                **before.provenance,
                **_swapped_troubles(before),
                "notes": notes,
                "swapped_from": before.version,
            },
            # The time of the original: packets that arrived later are not in the copy either.
            created_at=before.created_at,
        )
    return copies


def _swapped_troubles(before: Transcript) -> dict[str, Any]:
    """Return the trouble with the sound, now of the other side. Text has no such list."""
    if "troubles" not in before.provenance:
        return {}
    return {"troubles": as_stored(swap_troubles(from_stored(before.provenance["troubles"])))}


def _copy_analysis(call: Call, before: Analysis, transcript: Transcript) -> None:
    made = call.analyses.create(
        transcript=transcript,
        version=before.version + 1,
        turns=swap_turns(before.turns),
        summary=before.summary,
        summary_kind=before.summary_kind,
        keywords=before.keywords,
        insights=before.insights,
        metrics=swap_keys(before.metrics),
        redactions=before.redactions,
        skipped=[*(each for each in before.skipped if each != NOT_REWRITTEN), NOT_REWRITTEN],
        provenance={**before.provenance, "swapped_from": before.version},
        created_at=before.created_at,
    )
    write_entries([made], {call.pk: words_of(made)})


def _swap_recording(call: Call) -> None:
    """Swap the channels of the recording."""
    whether = Case(When(turned=True, then=Value(False)), default=Value(True))
    Recording.objects.filter(call=call).update(turned=whether)


def _correct_alerts(call: Call, *, now: datetime) -> list[Entry]:
    """Swap the speakers that alerts quote, and withdraw open alerts that are now wrong.

    A rule about the customer no longer fits what the agent has said. Such an alert is resolved and
    leaves its rule, which may then raise another one: the call is checked again with its result.
    """
    wrong = list(_open_alerts_of_one_side(call))
    sides = [
        When(speaker="agent", then=Value("customer")),
        When(speaker="customer", then=Value("agent")),
    ]
    Alert.objects.filter(call=call).exclude(speaker="").update(speaker=Case(*sides))
    Alert.objects.filter(pk__in=[alert.pk for alert in wrong]).update(rule=None)
    return list(resolve(((alert, Alert.Reason.SWAPPED) for alert in wrong), now=now))


def _open_alerts_of_one_side(call: Call) -> Iterator[Alert]:
    """Lock the open alerts of rules, and yield those that look at one side only."""
    alerts = Alert.objects.unhandled().filter(call=call).exclude(rule=None).order_by("pk")
    for alert in alerts.select_related("rule").select_for_update(of=("self",)):
        if alert.rule is not None and _looks_at_one_side(alert.rule, alert):
            yield alert


def _looks_at_one_side(rule: AlertRule, alert: Alert) -> bool:
    """Whether the rule, or one of its conditions, names the speaker."""
    if alert.kind in ABOUT_WORDS and alert.speaker and rule.speaker == alert.speaker:
        return True
    # A failed analysis has failed, whoever said what.
    is_failure = alert.kind == AlertRule.Kind.FAILED
    return not is_failure and any(each.get("speaker") for each in rule.conditions)


def _revoke_lease(call: Call, *, now: datetime) -> list[Entry]:
    """Take a call from its worker, which has read the speakers the wrong way round.

    Later writes of that worker are refused, because ``lease_owner`` is empty. The call is due
    again at once.
    """
    if call.state != CallState.PROCESSING_AI:
        return []
    error = ProviderError("The speakers were swapped.", code="swapped", transient=True)
    running = list(call.attempts.filter(outcome=Attempt.Outcome.RUNNING))
    entries = [
        close_attempt(call, each, Attempt.Outcome.RELEASED, error, now=now) for each in running
    ]
    save_attempts(running)
    if call.lease_owner:
        clear_lease(call)
        call.save(update_fields=LEASE_FIELDS)
        wake_worker()
    return entries
