"""The catalogue of actions, compared with the services and with the kinds of bulk action."""

from __future__ import annotations

import pytest

from calls.actions import ACTIONS, IN_ADMIN, IN_BULK, ON_PAGE
from calls.lifecycle import CallState
from calls.models import BulkAction, Stage
from calls.services import NotPossible

pytestmark = pytest.mark.django_db

MOVES = ["end", "retry", "dismiss", "reanalyse"]
OPTIONS = {"stage": Stage.UNDERSTAND}


def test_every_kind_of_bulk_action_has_its_entry_in_the_order_of_the_model():
    assert list(IN_BULK) == BulkAction.Kind.values


def test_each_place_offers_its_actions_in_order():
    assert list(ON_PAGE) == [*MOVES, "swap", "decode", "hold", "release", "delete"]
    assert [action.name for action in IN_ADMIN] == [*MOVES, "delete"]


@pytest.mark.parametrize("name", MOVES)
@pytest.mark.parametrize("state", CallState)
def test_the_service_agrees_with_the_states_and_the_words_of_the_catalogue(call_in, name, state):
    call, action = call_in(state, "c-1"), ACTIONS[name]
    options = {option: OPTIONS[option] for option in action.takes}

    def run():
        action.run(call_id="c-1", by="ann", **options)

    assert action.is_offered(call) == (state in action.states)
    if state in action.states:
        run()
        return
    with pytest.raises(
        NotPossible, match=f"A call that is {CallState(state).in_words} cannot be {action.past}."
    ):
        run()


def test_a_dismissed_call_is_retried_and_not_dismissed_again(call_in):
    call = call_in(CallState.FAILED, "c-1")

    call = ACTIONS["dismiss"].run(call_id="c-1", by="ann")

    offered = [name for name in MOVES if ACTIONS[name].is_offered(call)]
    assert offered == ["retry"]
