"""A call in a language that the models do not know: nothing is invented, and the page says so."""

import asyncio

import pytest
from django.utils import timezone

from calls import services
from calls.alerts.live.utterances import LiveTail
from calls.alerts.results import watch_log
from calls.alerts.rules import RuleBook
from calls.analysis.providers.local.provider import LocalProvider
from calls.analysis.results import transcript_document
from calls.analysis.runner import Runner
from calls.ingest.record import record_packets
from calls.lifecycle import CallState
from calls.models import Alert, AlertRule, Call
from calls.tests.factories import packet
from supervisor.tests.factories import page_of, text_of

pytestmark = pytest.mark.django_db(transaction=True)
ITALIAN = "Sono molto arrabbiato con voi, la mia carta \u00e8 4532 0151 1283 0366."
GERMAN = "Ich bin sehr ver\u00e4rgert, meine Nummer ist null eins sieben null, eins zwei drei vier."


def archived(text):
    record_packets([packet("c-1", 1, text, media="text/plain", track="customer")])
    services.end_call(call_id="c-1")
    asyncio.run(Runner(LocalProvider(), linger_s=0).run())
    return Call.objects.get()


def test_a_call_in_a_language_without_rules_has_no_sentiment(supervisor):
    call = archived(ITALIAN)

    document = transcript_document(call)
    assert call.state == CallState.ARCHIVED
    assert (call.customer_sentiment, call.customer_trend) == ("", "")
    assert [turn["text"] for turn in document["turns"]] == [ITALIAN[:46] + "[CARD]."]
    assert [(turn["sentiment"], turn["score"]) for turn in document["turns"]] == [(None, None)]
    assert document["sentiment"]["overall"] == {}
    assert document["provenance"]["understand"]["redaction"] == {"rules": ["en"]}


def test_the_page_says_that_sentiment_and_some_redaction_are_missing(supervisor):
    text = text_of(page_of(supervisor, archived(ITALIAN)))

    assert "Sentiment not known in all turns (Italian): this site judges English only." in text
    assert "1 piece of personal data · rules for English" in text
    assert "There are no rules for Italian. Only data with a recognisable form was removed" in text
    assert "Neutral" not in text


def test_the_page_names_the_languages_whose_rules_were_used(supervisor):
    text = text_of(page_of(supervisor, archived(GERMAN)))

    assert "meine Nummer ist account ." in text
    assert "rules for English and German" in text


def test_no_sentiment_alert_is_raised_for_an_unknown_language():
    AlertRule.objects.all().delete()
    AlertRule.objects.create(name="All", kind="sentiment", limit=5, per_turn=True)
    AlertRule.objects.create(name="Whole", kind="sentiment", limit=5)

    archived(ITALIAN)
    book = RuleBook()
    book.refresh()
    watch_log(book, 0, now=timezone.now(), tail=LiveTail())

    assert Alert.objects.count() == 0


@pytest.mark.parametrize("form", ["json", "text", "vtt", "contactlens", "vcon"])
def test_a_call_in_an_unknown_language_is_exported_without_sentiment(client, form):
    archived(ITALIAN)

    response = client.get(f"/v1/call/c-1/transcript?as={form}")

    assert response.status_code == 200
    assert "NEUTRAL" not in response.content.decode()
    assert "[CARD]" in response.content.decode()


def test_the_wallboard_and_the_list_of_calls_leave_the_sentiment_empty(supervisor, client):
    archived(ITALIAN)

    board = supervisor.get("/supervisor/").content.decode()
    listed = client.get("/v1/call").json()["results"][0]

    assert "not known</span>" in " ".join(board.split())
    assert "Neutral" not in board.partition('id="rows"')[2]
    assert (listed["customer_sentiment"], listed["customer_trend"]) == ("", "")
