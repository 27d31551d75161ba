"""What the wallboard and the call page say while the analysis is held up."""

from __future__ import annotations

import pytest
from django.utils import timezone

from calls import services
from calls.analysis.pausing import pause_analysis, resume_analysis
from calls.models import Call, ProviderHealth, WorkerHeartbeat
from calls.tests import one_call
from calls.tests.factories import attempt, claim, ended_call, failed_call, outage, spoken_call
from supervisor.figures import read_figures
from supervisor.tests.factories import page_of, text_of

pytestmark = pytest.mark.django_db

BOARD, STANDING = "/supervisor/", "/supervisor/standing"


@pytest.fixture
def worker():
    now = timezone.now()
    WorkerHeartbeat.objects.create(name="w", started_at=now, seen_at=now)


@pytest.fixture
def waiting(settings, worker):
    """A call that waits for a provider that is down."""
    settings.AI_BREAKER_FAILURES = 1
    call = spoken_call()
    lease = claim()
    one_call.fail_attempt(lease, attempt(lease), outage())
    return Call.objects.get(pk=call.pk)


def test_without_a_problem_the_board_shows_no_notice(supervisor, worker):
    section = supervisor.get(STANDING).content.decode()

    assert 'id="analysis-status"' in section
    assert "<p" not in section
    assert read_figures().standing == "|"


def test_the_board_shows_an_outage_since_when_and_what_waits(supervisor, waiting):
    text = text_of(supervisor.get(BOARD))

    assert "fake has been down (transcription) since" in text
    assert "Waiting uses up no attempts" in text
    assert "503 Service Unavailable" in text
    assert "Calls waiting: 1 ." in text
    assert read_figures().held == 1


def test_failures_that_are_simulated_are_those_of_the_provider_behind_them(supervisor, waiting):
    ProviderHealth.objects.update(provider="chaos(local)")

    text = text_of(supervisor.get(BOARD))

    assert "local has been down" in text
    assert "chaos" not in text


def test_the_board_says_who_paused_the_analysis_and_why(supervisor, worker):
    pause_analysis(by="ann", reason="The bill is too high")

    text = text_of(supervisor.get(BOARD))

    assert "Analysis has been paused since" in text
    assert "by ann: The bill is too high." in text


def test_the_board_says_that_no_worker_is_running(supervisor):
    assert "No worker is running." in text_of(supervisor.get(BOARD))


def test_the_status_mark_in_the_figures_matches_the_page(supervisor, waiting):
    mark = read_figures().standing

    assert f'data-mark="{mark}"' in supervisor.get(STANDING).content.decode()
    ProviderHealth.objects.all().delete()
    assert read_figures().standing != mark


def test_the_status_requires_permission_to_view_calls(client):
    assert client.get(STANDING).status_code == 302


def test_a_waiting_call_shows_the_outage_that_it_waits_for(supervisor, waiting):
    text = text_of(page_of(supervisor, waiting))

    assert "fake has been down since" in text
    assert "The call waits without using up attempts. Next check" in text


def test_a_call_that_waits_for_another_stage_does_not_blame_the_outage(supervisor, waiting):
    ProviderHealth.objects.update(stage="understand")

    assert "has been down since" not in text_of(page_of(supervisor, waiting))


def test_a_text_call_does_not_wait_for_transcription(supervisor, waiting):
    words = ended_call()

    assert "has been down since" not in text_of(page_of(supervisor, words))
    assert read_figures().held == 1


def test_a_waiting_call_says_that_the_analysis_is_paused(supervisor, worker):
    call = ended_call()
    pause_analysis(by="ann")

    assert "Analysis has been paused since" in text_of(page_of(supervisor, call))
    resume_analysis()
    assert "paused" not in text_of(page_of(supervisor, call))


def test_a_dismissed_call_is_labelled_and_has_its_own_tab(supervisor, worker):
    left, gone = failed_call("left"), failed_call("gone")
    services.dismiss_call(call_id="gone", by="ann", note="A wrong number.")

    page = text_of(page_of(supervisor, Call.objects.get(pk=gone.pk)))
    board = {
        state: supervisor.get(f"{BOARD}?state={state}").content.decode()
        for state in ("FAILED", "DISMISSED")
    }

    assert "Dismissed at" in page
    assert "by ann : “ A wrong number." in page
    assert f"call-{left.call_id}" in board["FAILED"]
    assert f"call-{gone.call_id}" not in board["FAILED"]
    assert f"call-{gone.call_id}" in board["DISMISSED"]
    assert "Not needed" in board["DISMISSED"]
    assert read_figures().failed == 1
