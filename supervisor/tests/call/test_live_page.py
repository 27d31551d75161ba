"""The page of a live call: the live transcript, and the status of the transcription."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from calls import services
from calls.models import Call, LiveUtterance
from calls.tests import one_call
from calls.tests.factories import TRANSCRIPT, attempt, claim, live_call, refusal
from supervisor.call.live_figures import LiveFigures
from supervisor.call.live_transcript import join_utterances
from supervisor.tests.factories import HEARD, heard_call, page_of, raise_alert, text_of

pytestmark = pytest.mark.django_db
HOSTILE = "<script>alert('x')</script><img src=x onerror=alert(1)> [EMAIL]"
NOTHING = "\N{EN DASH}"
FIGURES = {
    "sentiment": {
        "overall": {"customer": {"label": "NEGATIVE", "score": -3.0}},
        "trend": {"customer": "worsening"},
    },
    "talk": {
        "agent": {"total_ms": 5_000, "words_per_minute": 150},
        "customer": {"total_ms": 10_000, "words_per_minute": 120},
    },
    "interruptions": {"count": 2, "total_ms": 1_400},
    "non_talk": {"total_ms": 5_000, "longest_ms": 4_000},
    "silence_since_ms": 19_000,
}


def turns_of(html):
    """The speaker, the time and the words of each turn."""
    head = r'<li class="turn turn--(\w+)[^>]*data-key="u\d.*?turn__time">([^<]*)<'
    parts = re.findall(rf'{head}.*?turn__text"[^>]*>(.*?)</p>', html, re.DOTALL)
    return [
        (speaker, time, " ".join(re.sub("<[^>]+>", "", said).split()))
        for speaker, time, said in parts
    ]


# --- The words ------------------------------------------------------------------------------
def test_live_words_are_shown_as_turns(supervisor):
    html = page_of(supervisor, heard_call()).content.decode()

    assert turns_of(html) == [
        ("agent", "0:01", "Good morning, how can I help you?"),
        ("customer", "0:05", "My line is dead. I am really angry."),
        ("agent", "0:12", "Your card number, please?"),
        ("customer", "0:15", "…Held back: it may contain personal data"),
    ]


def test_words_that_are_held_back_are_nowhere_on_the_page(visitor):
    client = visitor("view_call", "view_unredacted")

    heard_call()

    html = client.get("/supervisor/calls/heard/", {"unredacted": "1"}).content.decode()

    assert "4111" not in html
    assert "Personal data is always hidden while a call is live." in html


def test_a_pause_of_a_second_and_a_half_begins_another_turn():
    times = [(0, 1_000), (2_499, 3_000), (4_500, 5_000)]
    said = [
        {
            "id": at,
            "revision": 1,
            "speaker": "agent",
            "begin_ms": begin,
            "end_ms": end,
            "score": None,
        }
        for at, (begin, end) in enumerate(times)
    ]

    turns = join_utterances(said)

    assert [(turn["begin_ms"], turn["end_ms"]) for turn in turns] == [(0, 3_000), (4_500, 5_000)]


def test_a_turn_has_the_strongest_sentiment_of_its_utterances(supervisor):
    html = page_of(supervisor, heard_call()).content.decode()

    turn = html[html.index("0:05</span>") : html.index("I am really angry.")]
    assert "sentiment--negative" in turn


def test_an_utterance_without_words_is_left_out(supervisor):
    call = heard_call()
    LiveUtterance.objects.filter(number=1).update(text="", shown="")

    assert len(turns_of(page_of(supervisor, call).content.decode())) == 3


def test_swapped_speakers_exchange_their_words_and_figures(supervisor):
    call = heard_call(figures=FIGURES, partial={"agent": "and then"})
    Call.objects.filter(pk=call.pk).update(speakers_swapped=True)

    response = page_of(supervisor, Call.objects.get(pk=call.pk))

    live = response.context["page"].live
    assert turns_of(response.content.decode())[0][0] == "customer"
    assert live.partial == {"customer": "and then"}
    assert live.figures.sides[0]["sentiment"] == "NEGATIVE"


def test_words_in_progress_come_last_and_are_grey(supervisor):
    html = page_of(supervisor, heard_call(partial={"customer": "and they"})).content.decode()

    assert '<i class="partial">and they</i>' in html


def test_a_skipped_span_is_shown_in_its_place(supervisor):
    text = text_of(page_of(supervisor, heard_call(skipped=[[80_000, 105_000]])))

    assert (
        "Not transcribed live: 1:20\N{EN DASH}1:45. The final transcript will include it." in text
    )


def test_hostile_words_are_escaped(supervisor):
    call = heard_call(
        utterances=[("agent", 0, 1_000, HOSTILE, None)], partial={"customer": HOSTILE}
    )

    html = page_of(supervisor, call).content.decode()

    assert "<img" not in html
    assert not re.search(r"<script>|alert\('x'\)", html)
    assert '<mark class="removed" title="Removed: email">' in html


def test_a_text_call_without_live_words_shows_an_empty_list(supervisor):
    text = text_of(page_of(supervisor, live_call()))

    assert "Waiting for a worker" in text
    assert "Nothing has been said yet that could be recognised." in text


# --- How it stands --------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "Transcribing"),
        ({"behind_s": 3.4}, "Transcribing, 3 s behind"),
        ({"behind_s": 1.4}, "Transcribing"),
        ({"lease_expires_at": None}, "Waiting for a worker"),
    ],
)
def test_the_status_is_shown_in_words(supervisor, fields, expected):
    response = page_of(supervisor, heard_call(**fields))

    assert response.context["page"].live.status_text == expected
    assert expected in text_of(response)


@pytest.mark.parametrize(("count", "expected"), [(1, "1 other call is"), (3, "3 other calls are")])
def test_a_waiting_call_says_how_many_others_are_transcribed(supervisor, count, expected):
    for number in range(count):
        heard_call(f"other-{number}")

    text = text_of(page_of(supervisor, heard_call(lease_expires_at=None)))

    assert f"Waiting: {expected} being transcribed" in text


def test_a_call_with_an_expired_lease_is_waiting(supervisor):
    past = timezone.now() - timedelta(seconds=1)

    assert "Waiting" in text_of(page_of(supervisor, heard_call(lease_expires_at=past)))


def test_a_site_without_live_transcription_says_so(supervisor, settings):
    settings.LIVE_TRANSCRIPTION = "off"

    text = text_of(page_of(supervisor, live_call()))

    assert "Live transcription is off on this site." in text
    assert "Jump to now" not in text


def test_words_from_before_live_transcription_was_switched_off_stay(supervisor, settings):
    settings.LIVE_TRANSCRIPTION = "off"

    text = text_of(page_of(supervisor, heard_call(lease_expires_at=None)))

    assert "Live transcription is off" in text
    assert "My line is dead." in text


def test_the_words_stay_until_the_transcript_replaces_them(supervisor):
    call = heard_call()
    services.end_call(call_id=call.call_id)
    waiting = text_of(page_of(supervisor, call))
    lease = claim()
    one_call.save_transcript(lease, attempt(lease), **TRANSCRIPT)

    transcribed = page_of(supervisor, call)

    assert "The call has ended and is being analysed." in waiting
    assert "I am really angry." in waiting
    assert "Jump to now" not in waiting
    assert "I am really angry." not in text_of(transcribed)
    assert 'id="live"' not in transcribed.content.decode()


def test_the_words_of_a_call_whose_analysis_failed_stay(supervisor):
    call = heard_call()
    services.end_call(call_id=call.call_id)
    lease = claim()
    one_call.fail_attempt(lease, attempt(lease), refusal())

    text = text_of(page_of(supervisor, call))

    assert "The analysis failed, so only these live words are available." in text
    assert "I am really angry." in text


def test_more_utterances_need_no_more_queries(supervisor, django_assert_max_num_queries):
    call = heard_call(utterances=HEARD * 20, lease_expires_at=None)

    with django_assert_max_num_queries(28):
        page_of(supervisor, call)


# --- Figures --------------------------------------------------------------------------------
def test_the_figures_so_far_are_shown(supervisor):
    text = text_of(page_of(supervisor, heard_call(figures=FIGURES)))

    assert "Negative worsening" in text
    assert "Agent 25 % Customer 50 % Silence 25 %" in text
    assert "0:05 · 150 words per minute" in text
    assert "2 · 1.4 s in total" in text
    assert "0:05 in total, longest 0:04 · silent since 0:19" in text


def test_a_call_without_figures_has_an_empty_card():
    figures = LiveFigures({}, heard_ms=0)

    assert [part["width"] for part in figures.parts] == [0, 0, 0]
    assert [text for _, _, text in figures.rows] == [NOTHING, NOTHING, "0", "none"]
    assert [side["sentiment"] for side in figures.sides] == ["", ""]


# --- Alerts ---------------------------------------------------------------------------------
def test_the_moment_of_an_alert_is_marked_and_linked(supervisor):
    call = heard_call()
    alert = raise_alert(call, offset_ms=9_000)

    html = page_of(supervisor, call).content.decode()

    assert html.count("turn--flagged") == 1
    turn = html[html.index("turn--flagged") : html.index("My line is dead.")]
    assert f'href="#alert-{alert.pk}"' in turn
    assert 'href="?t=9.0#here"' in html


def test_the_link_of_an_alert_leads_to_the_turn_without_a_script(supervisor):
    call = heard_call()

    html = supervisor.get(f"/supervisor/calls/{call.call_id}/", {"t": "9.0"}).content.decode()

    assert re.search(
        r'turn--sought" id="here" data-key="u\d+"\s+data-print="[^"]+" data-begin="5000"', html
    )


@pytest.mark.parametrize("fields", [{"offset_ms": None}, {"offset_ms": 500}])
def test_an_alert_without_a_turn_marks_none(supervisor, fields):
    call = heard_call()
    raise_alert(call, **fields)

    assert "turn--flagged" not in page_of(supervisor, call).content.decode()


# --- Screen readers and keyboards -----------------------------------------------------------
def test_only_the_log_is_announced_to_screen_readers(supervisor):
    html = page_of(supervisor, heard_call()).content.decode()

    section = html[html.index('id="live"') : html.index("</section>", html.index('id="live"'))]
    log = re.search(r"<div[^>]*role=\"log\"[^>]*></div>", section).group(0)
    assert 'aria-live="polite"' in log
    assert 'aria-label="New words of the call"' in log
    assert section.count("aria-live") == 1
    assert 'aria-keyshortcuts="n"' in section


def test_the_page_has_no_inline_style(supervisor):
    html = page_of(supervisor, heard_call(figures=FIGURES)).content.decode()

    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", html)
