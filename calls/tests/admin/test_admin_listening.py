"""Listening sessions in the admin."""

import pytest
from django.urls import reverse

from calls.listening import start_listening
from calls.tests.factories import live_call

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("term", ["anna", "call-heard"])
def test_sessions_are_found_by_user_and_by_call(admin_client, term):
    start_listening(call=live_call("call-heard"), by="anna", process="web-1")
    start_listening(call=live_call("call-other"), by="bob", process="web-1")

    page = admin_client.get(reverse("admin:calls_listensession_changelist"), {"q": term})

    assert [row.username for row in page.context["cl"].result_list] == ["anna"]


def test_sessions_cannot_be_changed(admin_client):
    session = start_listening(call=live_call(), by="anna", process="web-1")

    page = admin_client.get(reverse("admin:calls_listensession_change", args=[session.pk]))

    assert page.status_code == 200
    assert 'name="_save"' not in page.content.decode()
