"""The pages as a browser without JavaScript shows them."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.template.loader import render_to_string
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from calls import services
from calls.ingest.record import record_packets
from calls.lifecycle import CallState
from calls.models import Call
from calls.tests import one_call
from calls.tests.factories import attempt, claim, ended_call, failed_call, live_call, outage, packet
from supervisor.board import read_model as board_read_model
from supervisor.figures import read_figures
from supervisor.live import position as live_position
from supervisor.phases import Phase
from supervisor.tests.factories import analysed_call, page_of, shown, text_of

pytestmark = pytest.mark.django_db
BOARD = "/supervisor/"
LOGIN = "/supervisor/login/"


def retrying_call(call_id):
    ended_call(call_id)
    lease = claim()
    one_call.fail_attempt(lease, attempt(lease), outage())
    return Call.objects.get(call_id=call_id)


# --- Who may come in ------------------------------------------------------------------------
@pytest.mark.parametrize("path", [BOARD, "/supervisor/rows", "/supervisor/calls/x/"])
def test_visitors_are_sent_to_the_login_and_back(client, path):
    response = client.get(path)

    assert response.status_code == 302
    assert response.url == f"{LOGIN}?next={path}"


def test_a_login_redirects_to_the_wanted_page(client):
    User.objects.create_user("ana", password="correct horse")

    answer = {"username": "ana", "password": "correct horse", "next": "/supervisor/calls/x/"}
    response = client.post(LOGIN, answer)

    assert response.url == "/supervisor/calls/x/"


def test_a_login_never_redirects_to_another_site(client):
    User.objects.create_user("ana", password="correct horse")

    answer = {"username": "ana", "password": "correct horse", "next": "https://evil.example/"}
    response = client.post(LOGIN, answer)

    assert response.url == BOARD


def test_a_wrong_password_is_reported_and_the_name_stays(client):
    response = client.post(LOGIN, {"username": 'an"a', "password": "wrong"})

    assert "correct username and password" in text_of(response)
    assert 'value="an&quot;a"' in response.content.decode()


def test_too_many_attempts_get_a_page_that_says_how_long(client, settings):
    settings.AXES_LOCKOUT_TEMPLATE = "supervisor/locked_out.html"
    settings.AXES_FAILURE_LIMIT = 2

    for _ in range(2):
        response = client.post(LOGIN, {"username": "ana", "password": "wrong"})

    assert response.status_code == 429
    assert "Too many wrong passwords" in text_of(response)
    assert "Try again in 15 minutes" in text_of(response)


def test_logging_out_needs_a_post_and_shows_the_login(supervisor):
    assert supervisor.get("/supervisor/logout/").status_code == 405
    assert supervisor.post("/supervisor/logout/").url == LOGIN


def test_an_account_without_permission_is_told_which_one_is_missing(visitor):
    response = visitor().get(BOARD)

    assert response.status_code == 403
    assert "calls.view_call" in text_of(response)


def test_pages_need_no_inline_script_or_style(supervisor):
    html = supervisor.get(BOARD).content.decode()

    assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son[a-z]+=", html)


# --- The wallboard --------------------------------------------------------------------------
def test_an_empty_board_says_how_to_send_a_first_call(supervisor, settings):
    settings.API_AUTH = "key"

    response = supervisor.get(BOARD)

    assert "curl -X POST http://testserver/v1/call/stream/first-call" in text_of(response)
    assert "Authorization: Bearer" in text_of(response)
    assert "simulate_calls --url http://testserver" in text_of(response)


def test_the_board_shows_the_newest_call_first(supervisor):
    live_call("first")
    live_call("second")

    assert shown(supervisor.get(BOARD)) == ["second", "first"]


def test_a_row_shows_sentiment_in_words_and_missing_packets(supervisor):
    analysed_call("done")
    record_packets([packet("gappy", 1), packet("gappy", 4)])

    text = text_of(supervisor.get(BOARD))

    assert "Positive" in text or "Neutral" in text
    assert "improving" in text
    assert (
        'title="2 missing, 0 late"' in supervisor.get(BOARD, {"columns": "loss"}).content.decode()
    )


def test_a_row_shows_the_next_attempt_and_the_last_error(supervisor):
    call = retrying_call("flaky")

    response = supervisor.get(BOARD)

    assert "Attempt 2" in text_of(response)
    assert "503 Service Unavailable" in text_of(response)
    assert f'data-until="{call.next_attempt_at.isoformat()}"' in response.content.decode()


@pytest.mark.parametrize("phase", Phase.values)
def test_the_filter_by_state_shows_that_state_only(supervisor, phase):
    failed_call("FAILED")
    services.dismiss_call(call_id=failed_call("DISMISSED").call_id)
    analysed_call("ARCHIVED")
    retrying_call("RETRYING")
    ended_call("PROCESSING_AI")
    attempt(claim())
    ended_call("COMPLETED")
    live_call("IN_PROGRESS")

    assert shown(supervisor.get(BOARD, {"state": phase})) == [phase]


def test_an_invalid_filter_is_ignored(supervisor):
    live_call("c-1")

    response = supervisor.get(BOARD, {"state": "ASLEEP", "before": "x", "q": "\0"})

    assert shown(response) == ["c-1"]


@pytest.mark.parametrize("word", ["INVO", "pires", "0207", "bill"])
def test_the_search_covers_call_agent_caller_and_queue(supervisor, word):
    services.start_call(call_id="invoice-1", agent="Ana Pires", caller="+4402079", queue="billing")
    live_call("other")

    assert shown(supervisor.get(BOARD, {"q": word})) == ["invoice-1"]


def test_a_search_without_result_says_so(supervisor):
    assert "No matching calls" in text_of(supervisor.get(BOARD, {"q": "nothing"}))


def test_the_search_keeps_the_filter_and_the_filter_the_search(supervisor):
    html = supervisor.get(BOARD, {"state": "FAILED", "q": "a&b"}).content.decode()

    assert '<input type="hidden" name="state" value="FAILED">' in html
    assert 'href="?state=ARCHIVED&amp;q=a%26b"' in html


def test_older_calls_are_on_the_next_page(supervisor):
    Call.objects.bulk_create(Call(call_id=f"c-{number}") for number in range(60))

    first = supervisor.get(BOARD)
    older = re.search(r'id="older" href="([^"]+)"', first.content.decode()).group(1)
    second = supervisor.get(BOARD + older)

    assert shown(first) == [f"c-{number}" for number in range(59, 9, -1)]
    assert shown(second) == [f"c-{number}" for number in range(9, -1, -1)]
    assert 'id="older"' not in second.content.decode()


def test_the_figures_count_each_call_once():
    failed_call()
    analysed_call()
    retrying_call("flaky")
    ended_call()
    record_packets([packet("gappy", 1), packet("gappy", 4)])

    figures = read_figures().as_json()

    assert figures.pop("archive_s") >= 0
    assert figures.pop("handling_s") >= 0
    assert figures.pop("longest_since") == Call.objects.live().get().opened_at.isoformat()
    assert figures == {
        "live": 1,
        "negative": 0,
        "waiting": 1,
        "analysing": 0,
        "retrying": 1,
        "failed": 1,
        "archived_today": 1,
        "packets_per_s": 0.0,
        "missing": 2,
        "loss_percent": 50.0,
        "held": 0,
        "standing": "|no worker",
        "open_alerts": 0,
        "critical": 0,
        "warning": 0,
        "notice": 0,
        "worst_alert": "",
        "live_transcription": {
            "calls": 0, "waiting": 0, "behind_s": 0.0, "heard": 0, "skipped": 0,
        },
    }  # fmt: skip


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_today_is_that_of_the_site_for_readers_in_any_time_zone(zone):
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    for moment in (midnight - timedelta(seconds=1), midnight, timezone.now()):
        Call.objects.filter(pk=analysed_call().pk).update(state_changed_at=moment)

    with timezone.override(zone):
        assert read_figures().archived_today == 2


def test_a_long_call_counts_with_its_mean_rate():
    call = live_call()
    ten_minutes_ago = timezone.now() - timedelta(minutes=10)
    Call.objects.filter(pk=call.pk).update(opened_at=ten_minutes_ago, packet_count=1000)

    assert read_figures().packets_per_s == pytest.approx(1.7, abs=0.1)


def test_more_calls_need_no_more_queries(supervisor):
    def queries():
        with CaptureQueriesContext(
            connection,
        ) as found:
            assert supervisor.get(BOARD).status_code == 200
        return len(found)

    analysed_call()
    queries()  # what is kept for a moment is there now
    few = queries()
    for _ in range(5):
        analysed_call()
        live_call()

    assert queries() == few
    # Among them: since when packets are refused, preferences, saved views, legal holds, and
    # PostgreSQL's time.
    assert few <= (28 if connection.vendor == "postgresql" else 27)


def test_no_page_of_the_board_counts_packets(supervisor):
    live_call()

    with CaptureQueriesContext(connection) as found:
        supervisor.get(BOARD)

    assert not [query for query in found if '"calls_packet"' in query["sql"]]


# --- Live updates ---------------------------------------------------------------------------
def test_a_live_row_is_the_row_of_the_first_paint(supervisor):
    failed_call("c-1")

    page = supervisor.get(BOARD).content.decode()
    rows = supervisor.get("/supervisor/rows", {"id": "c-1"}).content.decode()

    row = re.search(r'<tr role="row" id=.*?</tr>', rows, re.DOTALL).group(0)
    assert row in page


def test_rows_take_a_constant_number_of_queries(supervisor, django_assert_num_queries):
    for number in range(3):
        live_call(f"c-{number}")
    wanted = [f"c-{number}" for number in range(3)]

    with CaptureQueriesContext(connection) as found:
        response = supervisor.get("/supervisor/rows", {"id": wanted})

    assert len(shown(response)) == 3
    assert sum('FROM "calls_call"' in query["sql"] for query in found) == 1


def test_rows_that_the_filter_leaves_out_are_not_returned(supervisor):
    live_call("live")
    failed_call("failed")

    asked = {"id": ["live", "failed", "unknown"], "state": "FAILED"}
    assert shown(supervisor.get("/supervisor/rows", asked)) == ["failed"]


def test_no_more_than_a_hundred_rows_are_looked_up(supervisor):
    Call.objects.bulk_create(Call(call_id=f"c-{number}") for number in range(120))

    asked = {"id": [f"c-{number}" for number in range(120)]}
    assert len(shown(supervisor.get("/supervisor/rows", asked))) == board_read_model.ROWS_LIMIT


def test_a_page_names_the_place_in_the_log_where_it_was_read(supervisor):
    call = live_call()
    position = live_position.read_position()

    for response in (supervisor.get(BOARD), page_of(supervisor, call)):
        html = response.content.decode()
        assert f'data-epoch="{position.epoch}" data-offset="{position.offset}"' in html
    assert position.offset > 0


# --- Errors ---------------------------------------------------------------------------------
def test_an_unknown_call_shows_a_helpful_page(supervisor):
    response = supervisor.get("/supervisor/calls/nobody/")

    assert response.status_code == 404
    assert "Page not found" in text_of(response)


def test_the_error_page_needs_no_context(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert "Something went wrong" in render_to_string("500.html")


def test_a_form_that_is_out_of_date_is_explained(supervisor):
    supervisor.handler.enforce_csrf_checks = True

    response = supervisor.post("/supervisor/logout/")

    assert response.status_code == 403
    assert "This form is out of date" in text_of(response)


def test_the_admin_wears_the_brand(admin_client):
    html = admin_client.get("/admin/").content.decode()

    assert "supervisor/admin.css" in html
    assert 'class="logo"' in html


def test_every_state_has_a_phase():
    assert set(CallState.values) <= set(Phase.values)
