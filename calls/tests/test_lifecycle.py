"""The state machine: exactly these transitions, and no other way to change the state."""

import pytest
from django.db import transaction
from django_fsm import ConcurrentTransition, TransitionNotAllowed, can_proceed

from calls.lifecycle import CallState
from calls.models import Call

MOVES = {
    ("IN_PROGRESS", "complete", "COMPLETED"),
    ("COMPLETED", "start_analysis", "PROCESSING_AI"),
    ("PROCESSING_AI", "archive", "ARCHIVED"),
    ("PROCESSING_AI", "fail", "FAILED"),
    ("FAILED", "retry", "COMPLETED"),
    ("ARCHIVED", "reanalyse", "COMPLETED"),
}


def test_the_graph_has_exactly_these_transitions():
    moves = Call(call_id="c").get_all_state_transitions()

    assert {(move.source, move.name, move.target) for move in moves} == MOVES


@pytest.mark.parametrize("state", CallState.values)
@pytest.mark.parametrize("name", sorted({name for _, name, _ in MOVES}))
def test_a_transition_is_possible_only_from_its_source_states(state, name):
    call = Call(call_id="c", state=state)

    assert can_proceed(getattr(call, name)) is any(
        (source, move) == (state, name) for source, move, _ in MOVES
    )


def test_a_transition_from_the_wrong_state_changes_nothing():
    call = Call(call_id="c")

    with pytest.raises(TransitionNotAllowed):
        call.archive()

    assert call.state == CallState.IN_PROGRESS


def test_the_state_cannot_be_assigned():
    call = Call(call_id="c")

    with pytest.raises(AttributeError):
        call.state = CallState.ARCHIVED


@pytest.mark.django_db
def test_the_second_of_two_simultaneous_transitions_fails():
    pk = Call.objects.create(call_id="c").pk
    first, second = Call.objects.get(pk=pk), Call.objects.get(pk=pk)
    first.complete()
    first.save(update_fields=["state"])

    second.complete()

    with pytest.raises(ConcurrentTransition), transaction.atomic():
        second.save(update_fields=["state"])
