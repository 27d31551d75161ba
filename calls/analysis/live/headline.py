"""Sentiments and trends of a live call, in the call's row and in the event log.

Lists, filters and sorting read the row, as they do for finished calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from calls import events
from calls.analysis.metrics import headline
from calls.conversation import SPEAKERS
from calls.models import Call

NEWS = (*(f"{who}_sentiment" for who in SPEAKERS), "unjudged_language")


def write_headline(call_pk: int, figures: Mapping[str, Any], *, at: datetime) -> bool:
    """Write the headline of a live call if the sentiment of a side has changed.

    Returns whether it has. ``figures`` are those of ``live_figures``, with the speakers by the
    site's track map. Call it last in the transaction that stores them and that has locked the
    call's LiveTranscription: it locks the call's row, which ingest waits for, and the event log.
    A call that is not live keeps what it has: the result of its analysis may be there.
    """
    found = headline(figures)
    if not _is_news(found, Call.objects.filter(pk=call_pk).first()):
        return False
    with transaction.atomic():
        # One locked call must not hold up the words of all others: its next change writes it.
        call = Call.objects.lock_if_free(call_pk)
        if call is None or not _is_news(found, call):
            return False
        fields = _turned(found, swapped=call.speakers_swapped)
        for name, value in fields.items():
            setattr(call, name, value)
        call.save(update_fields=list(fields))
        events.append([(call, events.LiveSentiment(**fields))], at=at)
    return True


def _is_news(found: Mapping[str, str], call: Call | None) -> bool:
    """Return whether a sentiment differs, or a language without sentiment was recognised."""
    if call is None or not call.is_live:
        return False
    fields = _turned(found, swapped=call.speakers_swapped)
    # A side that has no sentiment yet is not news.
    return any(fields[name] and fields[name] != getattr(call, name) for name in NEWS)


def _turned(found: Mapping[str, str], *, swapped: bool) -> dict[str, str]:
    if not swapped:
        return dict(found)
    agent, customer = SPEAKERS
    other = {agent: customer, customer: agent}
    turned = {
        f"{other[who]}_{what}": found[f"{who}_{what}"]
        for who in SPEAKERS
        for what in ("sentiment", "trend")
    }
    return {**found, **turned}
