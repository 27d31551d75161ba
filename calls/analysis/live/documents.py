"""The words of a live call, as JSON for the API, the feed and the pages."""

from __future__ import annotations

from typing import Any, cast

from django.db.models import QuerySet

from calls.analysis.media.roles import other_side, swap_keys
from calls.conversation import Speaker
from calls.models import Call, LiveTranscription, LiveUtterance

# Without the columns that only the analysis needs, and without the raw words.
_COLUMNS = (
    *("call_id", "revision", "speaker", "begin_ms", "end_ms"),
    *("shown", "sentiment", "score"),
)


def heard_utterances() -> QuerySet[LiveUtterance]:
    """Return the utterances that have words, in order, with what everybody may see of them."""
    return LiveUtterance.objects.exclude(text="").only(*_COLUMNS).order_by("begin_ms", "pk")


def utterance_document(utterance: LiveUtterance, *, swapped: bool) -> dict[str, Any]:
    """Return an utterance as everybody may see it: redacted, or without text while held back."""
    return {
        "id": utterance.pk,
        "revision": utterance.revision,
        "speaker": _speaker(utterance, swapped=swapped),
        "begin_ms": utterance.begin_ms,
        "end_ms": utterance.end_ms,
        "text": utterance.shown,
        "held_back": utterance.shown is None,
        "sentiment": utterance.sentiment or None,
        "score": utterance.score,
    }


def progress_document(live: LiveTranscription, *, swapped: bool) -> dict[str, Any]:
    """Return what is known of a live call besides its utterances."""
    return {
        "partial": swap_keys(live.partial) if swapped else live.partial,
        "heard_until_ms": live.heard_until_ms,
        "behind_s": live.behind_s,
        "skipped": live.skipped,
        "figures": swap_keys(live.figures) if swapped else live.figures,
    }


def live_transcript_document(call: Call, *, redacted: bool = True) -> dict[str, Any] | None:
    """Return the words so far in the form of a transcript, or None if there are none.

    Redacted, it leaves out the utterances that are held back.
    """
    # Read before the utterances, so that the revision never promises one that is missing.
    live = LiveTranscription.objects.filter(call=call).first()
    columns = _COLUMNS if redacted else (*_COLUMNS, "text")
    heard = list(heard_utterances().only(*columns).filter(call=call))
    if live is None or not heard:
        return None
    swapped = call.speakers_swapped
    visible = [each for each in heard if not redacted or each.shown is not None]
    return {
        "call_id": call.call_id,
        "state": call.state,
        "live": True,
        "revision": live.revision,
        "heard_until_ms": live.heard_until_ms,
        "skipped": live.skipped,
        "turns": [_turn(each, swapped=swapped, redacted=redacted) for each in visible],
        "redacted": redacted,
    }


def _turn(utterance: LiveUtterance, *, swapped: bool, redacted: bool) -> dict[str, Any]:
    return {
        "speaker": _speaker(utterance, swapped=swapped),
        "begin_ms": utterance.begin_ms,
        "end_ms": utterance.end_ms,
        "text": utterance.shown if redacted else utterance.text,
        "words": [],
        "sentiment": utterance.sentiment or None,
        "score": utterance.score,
    }


def _speaker(utterance: LiveUtterance, *, swapped: bool) -> Speaker:
    return other_side(cast(Speaker, utterance.speaker), swapped=swapped)
