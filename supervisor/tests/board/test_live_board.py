"""Live calls on the wallboard: their last words, sentiment, and how many are transcribed."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from calls import services
from calls.analysis.live.status import LiveStatus, report
from calls.models import Call
from supervisor.templatetags.look import heard_text
from supervisor.tests.factories import heard_call, raise_alert, text_of

pytestmark = pytest.mark.django_db


def test_a_call_with_an_alert_shows_its_last_words(supervisor):
    call = heard_call(last_speaker="customer", last_words="And they charged me twice.")
    raise_alert(call)

    text = text_of(supervisor.get("/supervisor/"))

    assert "Customer And they charged me twice." in text


def test_a_call_that_is_open_somewhere_shows_its_last_words(supervisor):
    call = heard_call(last_speaker="agent", last_words="One moment.")
    call.viewings.create(process="web", alive_until=timezone.now() + timedelta(minutes=1))

    assert "Agent One moment." in text_of(supervisor.get("/supervisor/"))


def test_other_calls_show_no_words(supervisor):
    heard_call(last_speaker="agent", last_words="One moment.")

    assert "One moment." not in text_of(supervisor.get("/supervisor/"))


def test_an_expired_viewing_shows_no_words(supervisor):
    call = heard_call(last_speaker="agent", last_words="One moment.")
    call.viewings.create(process="web", alive_until=timezone.now() - timedelta(minutes=1))

    assert "One moment." not in text_of(supervisor.get("/supervisor/"))


def test_long_last_words_are_cut_at_the_beginning(supervisor):
    words = (
        "This is the third time now, and if it is not fixed today I want to cancel my contract and"
    )
    raise_alert(heard_call(last_speaker="customer", last_words=f"{words} they charged me twice."))

    text = text_of(supervisor.get("/supervisor/"))

    assert "Customer …" in text
    assert "they charged me twice." in text


def test_the_last_words_of_swapped_speakers_are_those_of_the_other_side(supervisor):
    call = heard_call(last_speaker="customer", last_words="One moment.")
    raise_alert(call)
    Call.objects.filter(pk=call.pk).update(speakers_swapped=True)

    assert "Agent One moment." in text_of(supervisor.get("/supervisor/"))


def test_an_ended_call_shows_no_words(supervisor):
    call = heard_call(last_speaker="agent", last_words="One moment.")
    raise_alert(call)
    services.end_call(call_id=call.call_id)

    assert "One moment." not in text_of(supervisor.get("/supervisor/"))


def test_more_live_calls_need_no_more_queries(supervisor, django_assert_num_queries):
    for number in range(3):
        call = heard_call(f"c-{number}", last_speaker="agent", last_words="One moment.")
        raise_alert(call)
    address = "/supervisor/rows"

    with CaptureQueriesContext(connection) as for_one:
        one = supervisor.get(address, {"id": ["c-0"]})
    with django_assert_num_queries(len(for_one)):
        three = supervisor.get(address, {"id": ["c-0", "c-1", "c-2"]})

    assert [each.content.decode().count("One moment.</span>") for each in (one, three)] == [1, 3]


def test_sentiment_of_a_live_call_is_on_its_row(supervisor):
    call = heard_call()
    Call.objects.filter(pk=call.pk).update(
        customer_sentiment="NEGATIVE", customer_trend="worsening", agent_sentiment="POSITIVE"
    )

    text = text_of(supervisor.get("/supervisor/"))

    assert "Negative worsening" in text
    assert "Positive" in text


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (LiveStatus(), ""),
        (LiveStatus(calls=3), "all calls"),
        (LiveStatus(calls=12, waiting=18), "12 of 30 calls"),
        (LiveStatus(calls=12, waiting=18, behind_s=4.2), "12 of 30 calls, 4 s behind"),
        (LiveStatus(calls=2, behind_s=1.9), "all calls"),
    ],
)
def test_the_board_says_how_many_live_calls_are_transcribed(status, expected):
    assert heard_text(status) == expected


def test_the_report_of_the_workers_is_on_the_board(supervisor):
    report("worker-1", LiveStatus(calls=12, waiting=18, behind_s=4.2), now=timezone.now())

    assert "12 of 30 calls, 4 s behind" in text_of(supervisor.get("/supervisor/"))
