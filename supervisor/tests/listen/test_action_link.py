"""The action link: which templates are accepted, what is filled in, and that its use is logged."""

import os
import subprocess
import sys

import pytest

from calls.models import Call, CallEvent
from supervisor.listen.action_link import fill_in, find_problem, source_of
from supervisor.tests.listen.sounds import sounding_call

LINK = "https://pbx.example.com/join?call={call_id}&agent={agent}&ext={extension}"


@pytest.fixture
def listener(visitor):
    return visitor("view_call", "listen_call")


@pytest.mark.parametrize(
    "template",
    [LINK, "http://10.0.0.1:8080/{queue}", "sip:{extension}@pbx.example.com", "sips:*1{agent}@x",
     "tel:*33{extension}", "zoiper:{agent}", "https://pbx.example.com/?from={caller}&to={callee}"],
)  # fmt: skip
def test_addresses_of_phone_systems_are_accepted(template):
    assert find_problem(template) == ""


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("javascript:alert({call_id})", "scheme javascript:"),
        ("JavaScript:alert(1)", "scheme javascript:"),
        ("data:text/html,{agent}", "scheme data:"),
        ("/join/{call_id}", "must begin with a scheme"),
        ("{agent}:x", "must begin with a scheme"),
        (" javascript:x", "must begin with a scheme"),
        ("https://x.example/{phone}", "unknown field {phone}"),
        ("https://x.example/{call_id.__class__}", "unknown field {call_id.__class__}"),
        ("https://x.example/{call_id!r}", "unknown field {call_id}"),
        ("https://x.example/{}", "unknown field {}"),
        ("https://x.example/{call_id", "cannot be read"),
        ("https://{agent}/join", "must name its host"),
        ("https:///join", "must name its host"),
    ],
)
def test_other_addresses_are_refused_with_a_reason(template, why):
    assert why in find_problem(template)


def test_a_service_with_a_dangerous_link_does_not_start():
    environment = {**os.environ, "ACTION_LINK": "javascript:alert(1)"}

    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        env=environment, check=False, capture_output=True, text=True,
    )  # fmt: skip

    assert done.returncode
    assert "ACTION_LINK must not use the scheme javascript:." in done.stderr


def test_values_cannot_escape_their_place():
    address = fill_in(LINK, {"call_id": "a&b=c", "agent": "Änne/../#x"})

    assert address == (
        "https://pbx.example.com/join?call=a%26b%3Dc&agent=%C3%84nne%2F..%2F%23x&ext="
    )


def test_the_policy_lets_forms_lead_to_the_host_only():
    assert source_of(LINK) == "https://pbx.example.com"
    assert source_of("zoiper:{agent}") == "zoiper:"


def test_following_the_link_is_logged_and_redirects(listener, settings):
    settings.ACTION_LINK = LINK
    call = sounding_call()
    Call.objects.update(agent="4711")

    response = listener.post(f"/supervisor/calls/{call.call_id}/action-link/")

    assert response.status_code == 303
    assert response["Location"] == (
        f"https://pbx.example.com/join?call={call.call_id}&agent=4711&ext=4711"
    )
    event = CallEvent.objects.get(type="action_link_used")
    assert event.data == {"by": "ana"}


def test_a_link_of_another_scheme_is_followed(listener, settings):
    settings.ACTION_LINK = "zoiper:{call_id}"
    call = sounding_call()

    response = listener.post(f"/supervisor/calls/{call.call_id}/action-link/")

    assert response["Location"] == f"zoiper:{call.call_id}"


def test_following_the_link_needs_the_permission(visitor, settings):
    settings.ACTION_LINK = LINK
    call = sounding_call()

    response = visitor("view_call").post(f"/supervisor/calls/{call.call_id}/action-link/")

    assert response.status_code == 403
    assert not CallEvent.objects.filter(type="action_link_used").exists()


def test_following_the_link_needs_a_post(listener, settings):
    settings.ACTION_LINK = LINK
    call = sounding_call()

    assert listener.get(f"/supervisor/calls/{call.call_id}/action-link/").status_code == 405


def test_without_a_link_or_a_call_there_is_nothing_to_follow(listener, settings):
    assert listener.post("/supervisor/calls/nobody/action-link/").status_code == 404
    settings.ACTION_LINK = LINK
    assert listener.post("/supervisor/calls/nobody/action-link/").status_code == 404


def test_a_call_that_has_ended_is_not_joined(listener, settings):
    settings.ACTION_LINK = LINK
    call = sounding_call()
    Call.objects.update(state="COMPLETED")

    response = listener.post(f"/supervisor/calls/{call.call_id}/action-link/")

    assert response["Location"] == f"/supervisor/calls/{call.call_id}/"
