"""Calls that went through the real analysis, and the text that a reader sees on a page."""

from __future__ import annotations

import re

from django.urls import reverse

from calls.analysis import stages
from calls.analysis.recording.material import load_material
from calls.conversation import Sentiment, Understanding
from calls.models import Call, Stage
from calls.redaction.redact import redact
from calls.tests import one_call
from calls.tests.factories import attempt, claim, ended_call

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
