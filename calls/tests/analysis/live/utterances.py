"""Live calls with utterances, stored as the listener stores them."""

from __future__ import annotations

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from calls.models import LiveTranscription, LiveUtterance


def utter(call, text="Hello.", *, shown="same", **fields):
    """Store an utterance and its call's next revision. ``shown=None`` holds it back."""
    number = LiveUtterance.objects.filter(call=call).count()
    values = {
        "channel": "1",
        "number": number,
        "speaker": "agent",
        "begin_ms": number * 1000,
        "end_ms": number * 1000 + 800,
        "shown": text if shown == "same" else shown,
        "heard_at": timezone.now(),
        **fields,
    }
    with transaction.atomic():
        revision = next_revision(call)
        return LiveUtterance.objects.create(call=call, text=text, revision=revision, **values)


def next_revision(call, **fields):
    """Store these fields of the call's live transcription. Return its new revision."""
    LiveTranscription.objects.get_or_create(call=call)
    row = LiveTranscription.objects.filter(call=call)
    row.update(revision=F("revision") + 1, changed_at=timezone.now(), **fields)
    return row.get().revision


def show(utterance, text):
    """Release an utterance that was held back."""
    with transaction.atomic():
        utterance.shown, utterance.revision = text, next_revision(utterance.call)
        utterance.save(update_fields=["shown", "revision"])
