"""The call page: it explains every state, shows all that is known, and offers what is possible."""

import re

import pytest
from django.urls import reverse

from calls import services
from calls.ingest.carriers.opening import open_stream
from calls.ingest.carriers.presence import end_connection
from calls.ingest.record import record_packets
from calls.lifecycle import CallState
from calls.models import Call, CallEvent
from calls.tests import one_call
from calls.tests.factories import attempt, claim, ended_call, failed_call, live_call, outage, packet
from supervisor.call.read_model import read_call_page
from supervisor.call.speaker_timeline import Bar, paths_of
from supervisor.tests.factories import analysed_call, page_of, text_of

pytestmark = pytest.mark.django_db
HOSTILE = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>"


def act(client, call, action):
    return client.post(reverse(f"supervisor:{action}", args=[call.call_id]), follow=True)


# --- Why a call is where it is --------------------------------------------------------------
def test_a_live_call_without_its_carrier_says_when_it_ends(supervisor):
    opened = open_stream(call_id="c", name="a", media="audio/x-mulaw;rate=8000", description={})
    connected = text_of(page_of(supervisor, Call.objects.get()))
    end_connection(opened.connection, call_id="c", stopped=False)

    left = text_of(page_of(supervisor, Call.objects.get()))

    assert "No carrier has been connected since" not in connected
    assert "No carrier has been connected since" in left
    assert "if none comes back" in left


def test_a_call_that_lost_its_carrier_says_so(supervisor):
    live_call("c")
    services.end_call(call_id="c", reason=Call.EndReason.CONNECTION_LOST)

    text = text_of(page_of(supervisor, Call.objects.get()))

    assert "(the connection broke off and was not resumed)" in text
    assert "Ended : the connection broke off and was not resumed" in text


def test_a_call_without_packets_says_so(supervisor):
    services.start_call(call_id="c-1", agent="Ana Pires")

    assert "No packets have arrived yet" in text_of(supervisor.get("/supervisor/calls/c-1/"))


def test_a_waiting_call_says_that_no_worker_is_running(supervisor):
    text = text_of(page_of(supervisor, ended_call()))

    assert "is waiting for a worker" in text
    assert "No worker heartbeat for 30 seconds" in text


def test_a_running_attempt_is_named(supervisor):
    call = ended_call()
    attempt(claim())

    assert "Analysing (transcription) since" in text_of(page_of(supervisor, call))


def test_a_waiting_call_shows_the_next_attempt_and_the_last_error(supervisor):
    call = ended_call()
    lease = claim()
    one_call.fail_attempt(lease, attempt(lease), outage())

    text = text_of(page_of(supervisor, call))

    assert "Waiting for attempt 2 of the transcription at" in text
    assert "The last attempt failed: 503 Service Unavailable" in text


def test_an_attempt_that_the_provider_delayed_is_not_counted(supervisor):
    call = ended_call()
    lease = claim()
    one_call.fail_attempt(lease, attempt(lease), outage(retry_after_s=30))

    text = text_of(page_of(supervisor, call))

    assert "Waiting for attempt 1 of the transcription at" in text
    assert "The provider asked for more time" in text


def test_a_failed_call_says_why_and_offers_a_retry(operator):
    text = text_of(page_of(operator, failed_call()))

    assert "No other attempt can succeed: 401 Unauthorized" in text
    assert "Retry the analysis?" in text


def test_every_state_has_a_page(supervisor, django_assert_max_num_queries):
    made = [live_call(), failed_call(), analysed_call(), ended_call()]
    assert {call.state for call in made} == set(CallState.values) - {"PROCESSING_AI"}

    for call in made:
        with django_assert_max_num_queries(28):
            assert page_of(supervisor, call).status_code == 200


# --- What was found out ---------------------------------------------------------------------
def test_an_archived_call_shows_everything_that_was_found(supervisor):
    call = analysed_call()

    text = text_of(page_of(supervisor, call))

    for part in (
        "Good morning, how can I help you?",
        "A dead line is repaired.",
        "technician",
        "Next step A technician comes today.",
        "Negative",
        "Talk time",
        "words per minute",
        "Interruptions",
        "Archived",
        "Summary and sentiment, attempt 1: succeeded",
        "fake-1",
    ):
        assert part in text


def test_the_speaker_timeline_stays_within_its_width():
    timeline = read_call_page(analysed_call()).speaker_timeline

    bars = [*timeline.agent, *timeline.customer]
    assert len(bars) == 4
    assert all(bar.x >= 0 and bar.x + bar.width <= 1002 for bar in bars)


def test_the_bars_of_a_sentiment_are_one_path():
    bars = [Bar(0, 2.5, "negative"), Bar(10, 5), Bar(20, 4, "negative")]

    assert paths_of(bars, 6) == {
        "negative": "M0 6h2.5v30h-2.5zM20 6h4v30h-4z",
        "": "M10 6h5v30h-5z",
    }


def audio_that_was_not_looked_through():
    record_packets([packet("audio", 1, "/" * 216, media="audio/x-mulaw;rate=8000")])
    services.end_call(call_id="audio")
    return "/supervisor/calls/audio/"


def test_a_text_call_has_no_recording(supervisor):
    assert "<audio" not in page_of(supervisor, analysed_call()).content.decode()


def test_audio_without_a_transcript_needs_the_permission_to_hear_personal_data(visitor):
    address = audio_that_was_not_looked_through()

    html = visitor("view_call", "view_unredacted").get(address).content.decode()

    assert 'src="/v1/call/audio/recording"' in html


def test_audio_without_a_transcript_is_not_for_everybody(supervisor):
    address = audio_that_was_not_looked_through()

    assert "<audio" not in supervisor.get(address).content.decode()


def test_personal_data_is_shown_on_request_to_permitted_users(visitor, caplog):
    record_packets([packet("c-1", 1, "Write to jane.doe@example.com please.")])
    services.end_call(call_id="c-1")
    call = _transcribed("c-1")
    address = f"/supervisor/calls/{call.call_id}/"

    client = visitor("view_call", "view_unredacted")

    assert "jane.doe" not in client.get(address).content.decode()
    with caplog.at_level("INFO", logger="supervisor"):
        assert "jane.doe" in client.get(address, {"unredacted": "1"}).content.decode()
    assert "ana reads call c-1 with personal data" in caplog.text


def test_requesting_personal_data_without_the_permission_is_refused(supervisor):
    record_packets([packet("c-1", 1, "Write to jane.doe@example.com please.")])
    services.end_call(call_id="c-1")
    _transcribed("c-1")

    html = supervisor.get("/supervisor/calls/c-1/", {"unredacted": "1"}).content.decode()

    assert "jane.doe" not in html


def _transcribed(call_id):
    lease = claim()
    one_call.save_transcript(
        lease,
        attempt(lease),
        duration_ms=900,
        speech={},
        turns=[
            {
                "speaker": "customer",
                "begin_ms": 0,
                "end_ms": 900,
                "text": "Write to jane.doe@example.com please.",
                "words": [],
            }
        ],
    )
    return Call.objects.get(call_id=call_id)


def test_late_packets_and_gaps_are_in_the_timeline(supervisor):
    call = ended_call("c-1")
    record_packets([packet("c-1", 9)])

    text = text_of(page_of(supervisor, call))

    assert "Gap: expected 5, received 9" in text
    assert "1 late packet, after the call had ended" in text


def test_hostile_text_is_shown_and_never_executed(operator):
    services.start_call(call_id="c-1", agent=HOSTILE, caller=HOSTILE, queue=HOSTILE)
    record_packets([packet("c-1", 1, HOSTILE, stream=HOSTILE), packet("c-1", 4, stream=HOSTILE)])
    Call.objects.filter(call_id="c-1").update(last_error=HOSTILE)
    services.end_call(call_id="c-1")
    lease = claim()
    one_call.fail_attempt(lease, attempt(lease), outage())
    Call.objects.filter(call_id="c-1").update(last_error=HOSTILE)

    for address in ("/supervisor/", "/supervisor/calls/c-1/", "/supervisor/?q=" + HOSTILE):
        html = operator.get(address).content.decode()
        assert "<img" not in html
        assert not re.search(r"<script>|alert\('x'\)", html)
        assert "&lt;script&gt;" in html


# --- What can be done -----------------------------------------------------------------------
@pytest.mark.parametrize(
    ("make", "action", "reason"),
    [(live_call, "end", "operator"), (failed_call, "retry", "retried"),
     (analysed_call, "reanalyse", "reanalysed")],
)  # fmt: skip
def test_an_action_is_carried_out_and_logged(operator, make, action, reason):
    call = make()

    response = act(operator, call, action)

    event = CallEvent.objects.filter(call=call, type="state_change").last()
    assert event.state == CallState.COMPLETED
    assert (event.data["by"], event.data["reason"]) == ("ana", reason)
    assert "message--success" in response.content.decode()
    assert "ana" in text_of(response)


def test_a_failed_call_is_dismissed_after_a_question_and_then_only_retried(operator):
    call = failed_call()

    question = operator.get(reverse("supervisor:dismiss", args=[call.call_id]))
    assert "It no longer counts as failed and is not retried automatically." in text_of(question)
    assert Call.objects.dead().exists()
    page = act(operator, call, "dismiss")

    assert not Call.objects.dead().exists()
    assert CallEvent.objects.get(type="call_dismissed").data["by"] == "ana"
    assert "Dismissed : no analysis needed, according to ana" in text_of(page)
    assert [action.name for action in page.context["actions"]] == ["retry", "swap", "decode"]
    assert "Dismissed" in text_of(page).partition("The analysis failed")[0]
    assert "the analysis failed before transcription finished" in text_of(page)


def test_the_page_of_a_dismissed_call_says_who_dismissed_it_and_why(operator):
    call = failed_call()
    reason = {"note": "A wrong number, card 4111 1111 1111 1111."}

    page = operator.post(reverse("supervisor:dismiss", args=[call.call_id]), reason, follow=True)

    assert "by ana : “ A wrong number, card [CARD]. ”." in text_of(page)
    too_long = operator.post(
        reverse("supervisor:dismiss", args=[failed_call().call_id]), {"note": "x" * 501}
    )
    assert (too_long.status_code, "the limit is 500" in too_long.content.decode()) == (400, True)


def test_a_call_that_somebody_retries_meanwhile_is_not_dismissed(operator):
    call = failed_call()
    services.retry_call(call_id=call.call_id)

    page = act(operator, call, "dismiss")

    assert "Nothing was changed: A call that is waiting for AI cannot be dismissed." in text_of(
        page
    )
    assert not CallEvent.objects.filter(type="call_dismissed").exists()


def test_an_action_that_comes_too_late_is_refused_with_a_reason(operator):
    call = ended_call()

    response = act(operator, call, "end")

    assert "Nothing was changed: A call that is waiting for AI cannot be ended." in text_of(
        response
    )


def test_an_action_is_asked_about_first(operator):
    call = live_call()

    response = operator.get(reverse("supervisor:end", args=[call.call_id]))

    assert "End this call?" in text_of(response)
    assert Call.objects.get(pk=call.pk).is_live


def test_a_viewer_cannot_act(supervisor):
    call = live_call()

    assert act(supervisor, call, "end").status_code == 403
    assert "End call" not in text_of(page_of(supervisor, call))
    assert Call.objects.get(pk=call.pk).is_live
    failed = failed_call()
    assert act(supervisor, failed, "dismiss").status_code == 403
    assert Call.objects.dead().get() == failed


def test_an_action_on_an_unknown_call_is_not_found(operator):
    assert operator.post("/supervisor/calls/nobody/end/").status_code == 404


# --- What can be taken away ----------------------------------------------------------------
def test_everything_that_is_offered_for_download_is_there(supervisor):
    page = page_of(supervisor, analysed_call()).content.decode()

    links = re.findall(r'<a [^>]*href="([^"]+)" download="([^"]+)"', page)

    assert [name.partition(".")[2] for _, name in links][:3] == ["txt", "vtt", "json"]
    assert len(links) >= 5
    for address, _ in links:
        response = supervisor.get(address.replace("&amp;", "&"), headers={"Accept": "text/html"})
        assert response.status_code == 200
        assert not response["Content-Type"].startswith("text/html")


def test_the_wallboard_exports_its_filter_as_a_table(supervisor):
    live_call("live-1")
    ended_call("ended-1")

    board = supervisor.get("/supervisor/?state=COMPLETED").content.decode()
    (address,) = re.findall(r'href="([^"]+)" download="calls.csv"', board)
    table = b"".join(supervisor.get(address).streaming_content).decode()

    assert table.startswith("\ufeffcall_id")
    assert "ended-1" in table
    assert "live-1" not in table


def test_the_csv_table_requires_a_login(client):
    assert client.get("/supervisor/calls.csv").status_code == 302
