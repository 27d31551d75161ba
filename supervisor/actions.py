"""What a supervisor can do to a call: when it is offered, how it is asked, what then runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from calls import services
from calls.lifecycle import CallState
from calls.models import Call


@dataclass(frozen=True)
class Action:
    name: str
    label: str
    state: CallState
    question: str
    consequence: str
    done: str
    run: Callable[[str, str], Call]
    is_grave: bool = False

    @property
    def view(self) -> str:
        return f"supervisor:{self.name}"


def _end(call_id: str, by: str) -> Call:
    return services.end_call(call_id=call_id, reason=Call.EndReason.OPERATOR, by=by)


def _retry(call_id: str, by: str) -> Call:
    return services.retry_call(call_id=call_id, by=by)


def _reanalyse(call_id: str, by: str) -> Call:
    return services.reanalyse_call(call_id=call_id, by=by)


ACTIONS = {
    action.name: action
    for action in (
        Action(
            name="end",
            label="End call",
            state=CallState.IN_PROGRESS,
            question="End this call?",
            consequence=(
                "Its analysis starts now. Packets that still arrive are kept and marked late. "
                "The telephone connection itself is not touched."
            ),
            done="The call was ended. Its analysis starts now.",
            run=_end,
            is_grave=True,
        ),
        Action(
            name="retry",
            label="Retry",
            state=CallState.FAILED,
            question="Retry the analysis?",
            consequence="The call gets another round of attempts. Nothing that exists is lost.",
            done="The call gets another round of attempts.",
            run=_retry,
        ),
        Action(
            name="reanalyse",
            label="Reanalyse",
            state=CallState.ARCHIVED,
            question="Analyse this call anew?",
            consequence=(
                "The call is transcribed and judged once more. The result of before is kept, "
                "and the new one takes its place on this page."
            ),
            done="The call is analysed anew.",
            run=_reanalyse,
        ),
    )
}


def action_for(call: Call) -> Action | None:
    """Return what the state of the call allows."""
    return next((action for action in ACTIONS.values() if action.state == call.state), None)
