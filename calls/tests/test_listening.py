"""Who listened to a live call: sessions, their leases, and the log."""

from datetime import timedelta

import pytest
from django.utils import timezone

from calls import listening
from calls.models import CallEvent, ListenSession
from calls.services import CallNotFound, NotPossible
from calls.tests.factories import ended_call, live_call

pytestmark = pytest.mark.django_db


def start(call, by="anna"):
    return listening.start_listening(call=call, by=by, process="web-1")


def lose(session):
    """Let the lease of a session expire, as if its process had died ten minutes after the start."""
    begin = timezone.now() - timedelta(hours=1)
    ListenSession.objects.filter(pk=session.pk).update(
        started_at=begin, alive_until=begin + timedelta(minutes=10)
    )


def logged(call):
    wanted = ("listening_started", "listening_ended", "action_link_used")
    return list(call.events.filter(type__in=wanted).values_list("type", "data"))


def test_start_and_end_are_logged_with_the_name():
    call = live_call()

    session = start(call)
    listening.end_listening(session.pk)

    (started, begin), (ended, end) = logged(call)
    assert (started, begin) == ("listening_started", {"session": session.pk, "by": "anna"})
    assert (ended, end["by"], end["session"]) == ("listening_ended", "anna", session.pk)
    assert end["seconds"] >= 0


def test_a_session_ends_once():
    session = start(live_call())

    listening.end_listening(session.pk)
    listening.end_listening(session.pk)

    assert CallEvent.objects.filter(type="listening_ended").count() == 1


def test_a_user_with_two_sessions_is_named_once():
    call = live_call()
    start(call, "bob")
    start(call, "anna")
    start(call, "anna")

    assert listening.listeners(call, now=timezone.now()) == ["anna", "bob"]


def test_nobody_is_named_after_the_end_or_the_loss_of_a_session():
    call = live_call()
    listening.end_listening(start(call, "anna").pk)
    lose(start(call, "bob"))

    assert listening.listeners(call, now=timezone.now()) == []


def test_the_session_of_a_dead_process_ends_with_its_lease():
    call = live_call()
    session = start(call)
    lose(session)

    assert listening.end_expired_sessions() == 1
    assert listening.end_expired_sessions() == 0

    session.refresh_from_db()
    assert session.ended_at == session.alive_until
    assert logged(call)[-1] == (
        "listening_ended",
        {"session": session.pk, "by": "anna", "seconds": 600.0},
    )


def test_a_session_that_is_renewed_does_not_end():
    session = start(live_call())
    lose(session)

    assert listening.renew_sessions([session.pk]) == set()
    assert listening.end_expired_sessions() == 0


def test_a_process_learns_that_its_session_was_ended():
    session = start(live_call())
    lose(session)
    listening.end_expired_sessions()

    assert listening.renew_sessions([session.pk]) == {session.pk}


def test_the_use_of_the_action_link_is_logged():
    call = live_call()

    listening.use_action_link(call_id=call.call_id, by="anna")

    assert logged(call) == [("action_link_used", {"by": "anna"})]


def test_the_action_link_of_an_unknown_call_is_not_logged():
    with pytest.raises(CallNotFound):
        listening.use_action_link(call_id="nobody", by="anna")


def test_a_call_that_has_ended_cannot_be_joined():
    with pytest.raises(NotPossible, match="cannot be joined"):
        listening.use_action_link(call_id=ended_call().call_id, by="anna")
