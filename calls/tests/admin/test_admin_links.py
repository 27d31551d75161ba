"""Links both ways between a row in the admin and its page."""

from __future__ import annotations

import pytest
from django.urls import reverse

from calls.models import Alert, Attempt, BulkAction, Call
from calls.tests.admin.rows import make_rows
from calls.tests.admin.test_admin import change, changelist, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _rows(db):
    make_rows("1")


def page_of(call: Call) -> str:
    return reverse("supervisor:call", args=[call.call_id])


def test_the_admin_links_to_the_pages(boss):
    call = Call.objects.get(call_id="failed-1")
    action = BulkAction.objects.get()

    for row in (call, call.alerts.get(), call.attempts.all()[0]):
        assert f'href="{page_of(call)}"' in text_of(boss.get(change(row)))
    for name in ("call", "alert"):
        assert f'href="{page_of(call)}"' in text_of(boss.get(changelist(f"calls_{name}")))
    assert reverse("supervisor:bulk", args=[action.pk]) in text_of(boss.get(change(action)))


def test_the_pages_link_to_the_admin(boss):
    call = Call.objects.get(call_id="failed-1")
    action = BulkAction.objects.get()

    page = text_of(boss.get(page_of(call)))
    alerts = text_of(boss.get(reverse("supervisor:alerts")))
    bulk = text_of(boss.get(reverse("supervisor:bulk", args=[action.pk])))

    for row in (call, Attempt.objects.filter(call=call)[0]):
        assert change(row) in page
    assert change(Alert.objects.get()) in alerts
    assert change(action) in bulk


def test_people_without_access_to_the_admin_get_no_link_to_it(person):
    call = Call.objects.get(call_id="failed-1")
    client = person("view_call", "view_all_calls")

    with_right = text_of(client.get(page_of(call)))
    client.logout()

    assert change(call) in with_right
    assert change(Alert.objects.get()) not in with_right
