"""Calls that went through the real analysis, and the text that a reader sees on a page."""

from __future__ import annotations

import re
from datetime import timedelta

from django.urls import reverse
from django.utils import timezone

from calls.analysis import stages
from calls.analysis.recording.material import load_material
from calls.conversation import Sentiment, Understanding, label_for
from calls.models import Alert, AlertRule, Call, LiveTranscription, LiveUtterance, Stage
from calls.redaction.redact import redact
from calls.tests import one_call
from calls.tests.factories import attempt, claim, ended_call, live_call

MOODS = {"dead": Sentiment("NEGATIVE", -4.0), "wonderful": Sentiment("POSITIVE", 4.0)}


def analysed_call(call_id=None):
    """A call that went through the stages, with results invented from its words."""
    call = ended_call(call_id)
    lease = claim()
    material = load_material(call)
    heard = stages.Transcription(material.turns, {}, material.duration_ms, "text")
    fields = stages.transcript_fields(heard, material, call=call, provider="fake")
    transcript = one_call.save_transcript(lease, attempt(lease), **fields)
    redacted = redact(stages.turns_from_json(transcript.turns))
    verdict = Understanding(
        tuple(_mood(turn.text) for turn in redacted.turns),
        summary="A dead line is repaired.",
        keywords=("dead line", "technician"),
        model="fake-1",
        insights={"next_step": "A technician comes today."},
    )
    found = stages.analysis_fields(transcript, redacted, verdict, "fake")
    one_call.archive(lease, attempt(lease, Stage.UNDERSTAND), **found)
    return Call.objects.get(pk=call.pk)


HEARD = [
    ("agent", 1_000, 4_000, "Good morning, how can I help you?", 0.5),
    ("customer", 5_000, 8_000, "My line is dead.", -1.0),
    ("customer", 8_500, 11_000, "I am really angry.", -4.0),
    ("agent", 12_000, 14_000, "Your card number, please?", 0.0),
    ("customer", 15_000, 19_000, None, None),
]


def heard_call(call_id="heard", *, utterances=HEARD, **live):
    """A live call with these utterances, as a worker stores them. ``live`` sets more columns."""
    call, now = live_call(call_id), timezone.now()
    LiveTranscription.objects.create(
        call=call,
        revision=len(utterances),
        **{"lease_expires_at": now + timedelta(hours=1), "heard_until_ms": 20_000, **live},
    )
    for number, (speaker, begin_ms, end_ms, shown, score) in enumerate(utterances, 1):
        LiveUtterance.objects.create(
            call=call,
            channel=speaker,
            number=number,
            revision=number,
            speaker=speaker,
            begin_ms=begin_ms,
            end_ms=end_ms,
            text=shown or "4111 1111 1111 1111",
            shown=shown,
            sentiment="" if score is None else label_for(score),
            score=score,
            heard_at=now,
        )
    return Call.objects.get(pk=call.pk)


def raise_alert(call, **fields):
    return Alert.objects.create(
        call=call,
        rule=AlertRule.objects.filter(kind="words").first(),
        kind="words",
        **{"name": "Angry", "severity": 3, "found": "x", "speaker": "customer", **fields},
    )


def _mood(text):
    return next((mood for word, mood in MOODS.items() if word in text), Sentiment("NEUTRAL", 0.0))


def text_of(response):
    """Return what a reader sees: no tags, single spaces."""
    html = response.content.decode()
    body = re.sub(r"<[^>]+>", " ", html[html.index("<main") :])
    return " ".join(body.split())


def shown(response):
    return re.findall(
        r'<tr role="row" id="call-[^"]+"[^>]* data-call="([^"]+)"', response.content.decode()
    )


def page_of(client, call):
    return client.get(reverse("supervisor:call", args=[call.call_id]))
