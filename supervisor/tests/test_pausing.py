"""The buttons that pause and resume the analysis."""

from __future__ import annotations

import pytest
from django.urls import reverse

from calls.analysis.pausing import find_pause, pause_analysis
from calls.models import CallEvent

pytestmark = pytest.mark.django_db
PAUSE, RESUME = reverse("supervisor:pause"), reverse("supervisor:resume")


def test_two_buttons_pause_and_resume_by_name(operator):
    paused = operator.post(PAUSE, {"reason": " The  bill. ", "next": "/admin/"})
    pause = find_pause()
    resumed = operator.post(RESUME, {"next": "/admin/"})

    assert (pause.by, pause.reason) == ("ana", "The bill.")
    assert find_pause() is None
    assert [paused.url, resumed.url] == ["/admin/", "/admin/"]
    types = CallEvent.objects.order_by("id").values_list("type", flat=True)
    assert list(types) == ["analysis_paused", "analysis_resumed"]


def test_a_repeated_pause_or_resume_is_reported_and_changes_nothing(operator):
    resumed = operator.post(RESUME, follow=True)
    pause_analysis(by="bob")
    paused = operator.post(PAUSE, follow=True)

    assert "The analysis is not paused." in resumed.content.decode()
    assert "The analysis is already paused" in paused.content.decode()
    assert find_pause().by == "bob"


def test_the_wallboard_resumes_with_a_button(operator):
    pause_analysis()

    page = operator.get(reverse("supervisor:board")).content.decode()

    assert f'action="{RESUME}"' in page


@pytest.mark.parametrize("reason", ["x" * 201, "a\0b"])
def test_a_reason_that_cannot_be_stored_is_refused(operator, reason):
    page = operator.post(PAUSE, {"reason": reason}, follow=True).content.decode()

    assert "at most 200 characters" in page
    assert find_pause() is None


@pytest.mark.parametrize("address", [PAUSE, RESUME])
def test_pausing_needs_the_permission_and_a_post(supervisor, address):
    assert supervisor.post(address).status_code == 403
    assert supervisor.get(address).status_code == 405
