"""Trouble with the sound of a call: stored, logged, filtered, counted and alerted."""

from __future__ import annotations

import pytest
from django.utils import timezone

from calls.alerts.live.utterances import LiveTail
from calls.alerts.results import watch_log
from calls.alerts.rules import RuleBook
from calls.analysis.speakers import swap_speakers
from calls.conversation import Transcription
from calls.models import Alert, AlertRule, Call
from calls.monitoring.metrics import calls_by_sound_trouble
from calls.services import reanalyse_call
from calls.tests.audio import CardProvider, archived_audio, archived_text, carry_to_end

pytestmark = pytest.mark.django_db


class DeafProvider(CardProvider):
    """Recognises nothing."""

    async def transcribe(self, audio, *, language):
        silent = {"agent": (), "customer": ()}
        return Transcription((), speech=silent, duration_ms=audio.duration_ms, model="fake-1")


def troubled(call_id="spoken"):
    return archived_audio(call_id, provider=DeafProvider(), seconds=6)


def logged(call):
    return [event.data["kinds"] for event in call.events.filter(type="sound_troubles")]


def test_trouble_is_stored_on_the_call_and_logged_once():
    call = troubled()
    reanalyse_call(call_id=call.call_id)
    carry_to_end(call, DeafProvider())

    call.refresh_from_db()

    assert call.sound_trouble_kinds == ["no_speech"]
    assert call.sound_trouble_labels == ["No speech recognised"]
    assert logged(call) == [["no_speech"]]


def test_trouble_is_removed_when_another_analysis_finds_nothing_wrong():
    call = troubled()

    reanalyse_call(call_id=call.call_id)
    carry_to_end(call)

    call.refresh_from_db()
    assert call.sound_troubles == ""
    assert logged(call) == [["no_speech"], []]


def test_text_calls_have_no_trouble():
    call = archived_text()

    assert call.sound_troubles == ""
    assert "troubles" not in call.transcripts.get().provenance
    swap_speakers(call_id=call.call_id, swapped=True)
    assert "troubles" not in call.transcripts.latest().provenance


def test_the_api_shows_and_filters_trouble(api):
    troubled("bad")
    archived_audio("good")

    def listed(query):
        answer = api.get(f"/v1/call?trouble={query}").json()
        return [(each["call_id"], each["sound_troubles"]) for each in answer["results"]]

    assert listed("any") == listed("no_speech") == [("bad", ["no_speech"])]
    assert listed("clipping") == []
    assert api.get("/v1/call?trouble=bad_mood").status_code == 400


def test_metrics_count_calls_by_kind(client):
    troubled()
    Call.objects.create(call_id="two", sound_troubles="no_speech heavy_loss")

    counts = calls_by_sound_trouble()

    assert {kind: count for kind, count in counts.items() if count} == {
        "no_speech": 2,
        "heavy_loss": 1,
    }
    assert 'callcenter_sound_trouble_calls{kind="no_speech"} 2.0' in (
        client.get("/metrics").content.decode()
    )


def test_a_rule_raises_one_alert_that_says_what_is_wrong():
    AlertRule.objects.exclude(kind="sound").delete()
    call = troubled()
    book = RuleBook()
    book.refresh()

    for _ in range(2):
        watch_log(book, 0, now=timezone.now(), tail=LiveTail())

    alert = Alert.objects.get()
    assert (alert.call, alert.name) == (call, "Trouble with the sound")
    assert alert.found == "No speech was recognised in this call."


def test_a_good_call_raises_no_alert_and_runs_no_query(django_assert_num_queries):
    AlertRule.objects.exclude(kind="sound").delete()
    call = archived_text()
    book = RuleBook()
    book.refresh()
    (rule,) = book.of("sound")
    from calls.alerts.kinds import KINDS

    analysis = call.analyses.get()
    with django_assert_num_queries(0):
        assert list(KINDS["sound"].match_analysis(rule, call, analysis)) == []
