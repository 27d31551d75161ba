"""The home page of the admin: the health of the site, for those who may see it."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from calls.analysis.pausing import pause_analysis
from calls.models import WorkerHeartbeat
from calls.tests.admin.rows import make_rows

pytestmark = pytest.mark.django_db


def text_of(response):
    assert response.status_code == 200
    return response.content.decode()


def test_a_new_site_says_what_is_missing(boss):
    page = text_of(boss.get(reverse("admin:index")))

    assert "Needs attention now" in page
    assert "None alive" in page
    assert "No call, attempt, job or webhook has failed." in page


def test_a_healthy_site_says_so(boss, heartbeat):
    assert "Everything is running." in text_of(boss.get(reverse("admin:index")))


def test_errors_are_listed_with_links(boss):
    make_rows("1")

    page = text_of(boss.get(reverse("admin:health")))

    for kind in ("Call failed", "Attempt failed", "Job failed", "Webhook failing"):
        assert kind in page
    assert "/supervisor/calls/failed-1/" in page
    assert reverse("admin:django_q_failure_change", args=["f1"]) in page
    assert reverse("admin:calls_call_changelist") + "?state__exact=FAILED" in page
    assert "openai-1, transcribe: for" in page


def test_the_number_of_queries_does_not_grow_with_problems(boss):
    boss.get(reverse("admin:health"))

    with CaptureQueriesContext(connection) as calm:
        boss.get(reverse("admin:health"))
    for mark in ("1", "2", "3"):
        make_rows(mark)
    with CaptureQueriesContext(connection) as busy:
        boss.get(reverse("admin:health"))

    # One more: which event the couriers of the webhooks have read up to.
    assert len(busy) <= len(calm) + 2
    assert len(busy) <= 32


def test_people_see_only_links_to_lists_that_they_may_open(person):
    make_rows("1")

    page = text_of(person("view_call").get(reverse("admin:health")))

    assert "Failed jobs" in page
    assert reverse("admin:django_q_failure_changelist") not in page
    assert reverse("admin:calls_call_changelist") in page
    assert "Pause analysis" not in page


def test_without_the_permission_to_see_calls_there_are_no_figures(person):
    WorkerHeartbeat.objects.all().delete()

    page = text_of(person("view_apikey").get(reverse("admin:index")))

    assert "None alive" not in page
    assert reverse("admin:calls_apikey_changelist") in page


def test_operators_pause_and_resume_with_a_button(person):
    client = person("view_call", "operate_call")

    before = text_of(client.get(reverse("admin:index")))
    pause_analysis(by="ann", reason="The bill is too high.")
    after = text_of(client.get(reverse("admin:index")))

    assert "Pause analysis" in before
    assert "Resume analysis" in after
    assert "The bill is too high." in after


def test_visitors_are_sent_to_the_common_login(client):
    response = client.get(reverse("admin:index"), follow=True)

    assert response.redirect_chain[-1][0].startswith("/supervisor/login/?next=")
    assert client.get(reverse("admin:health")).status_code == 302


def test_people_who_are_not_staff_are_told_so_without_a_redirect_loop(client, django_user_model):
    client.force_login(
        django_user_model.objects.create(username="sam"),
        "django.contrib.auth.backends.ModelBackend",
    )

    response = client.get(reverse("admin:index"), follow=True)

    assert response.status_code == 403


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example/", ""])
def test_the_login_does_not_redirect_to_another_site(boss, target):
    response = boss.get(reverse("admin:login"), {"next": target})

    assert response.url == reverse("admin:index")


def test_the_home_page_links_to_the_doctor_which_says_how_to_fix_problems(boss):
    assert reverse("admin:doctor") in text_of(boss.get(reverse("admin:index")))

    page = text_of(boss.get(reverse("admin:doctor")))

    assert "No worker has ever run." in page
    assert "manage.py qcluster" in page
    assert "things to fix" in page


def test_the_doctor_needs_the_permission_to_see_the_health_of_the_site(person):
    client = person("view_call")

    assert reverse("admin:doctor") not in text_of(client.get(reverse("admin:index")))
    assert client.get(reverse("admin:doctor")).status_code == 403
