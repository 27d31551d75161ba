"""What a supervisor can do to a call: when it is offered, how it is asked, what then runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from calls import services
from calls.analysis.speakers import swap_speakers
from calls.models import Call, Stage
from supervisor.phases import Phase, phase_of

Form = Mapping[str, str]


@dataclass(frozen=True)
class Action:
    """``phases`` are those that offer it. ``stages`` are what may be chosen, told to people."""

    name: str
    label: str
    phases: frozenset[Phase]
    question: str
    consequence: str
    done: str
    run: Callable[[str, str, Form], Call]
    is_grave: bool = False
    is_main: bool = True
    stages: tuple[tuple[str, str], ...] = ()

    @property
    def view(self) -> str:
        return f"supervisor:{self.name}"


class BadForm(Exception):
    """A form holds what none of ours does."""


def chosen_stage(form: Form) -> str:
    """Return the stage to begin at. Raises BadForm."""
    stage = form.get("stage") or Stage.TRANSCRIBE.value
    if stage not in Stage.values:
        raise BadForm(f"stage: must be one of {', '.join(Stage.values)}.")
    return stage


def _end(call_id: str, by: str, form: Form) -> Call:
    return services.end_call(call_id=call_id, reason=Call.EndReason.OPERATOR, by=by)


def _retry(call_id: str, by: str, form: Form) -> Call:
    return services.retry_call(call_id=call_id, by=by)


def _dismiss(call_id: str, by: str, form: Form) -> Call:
    return services.dismiss_call(call_id=call_id, by=by)


def _reanalyse(call_id: str, by: str, form: Form) -> Call:
    return services.reanalyse_call(call_id=call_id, by=by, stage=chosen_stage(form))


def _swap(call_id: str, by: str, form: Form) -> Call:
    """The form says which way, so that two people who press at once do not undo each other."""
    if form.get("swapped") not in ("0", "1"):
        raise BadForm("swapped: must be 0 or 1.")
    return swap_speakers(call_id=call_id, swapped=form.get("swapped") == "1", by=by)


STAGES = (
    (
        Stage.TRANSCRIBE.value,
        "From scratch: transcribe the call again, then summarise and score it",
    ),
    (Stage.UNDERSTAND.value, "Keep the transcript: redo only summary, sentiment and figures"),
)
ACTIONS = {
    action.name: action
    for action in (
        Action(
            name="end",
            label="End call",
            phases=frozenset({Phase.LIVE}),
            question="End this call?",
            consequence=(
                "Its analysis starts now. Packets that still arrive are kept and marked late. "
                "The phone connection itself is not affected."
            ),
            done="The call was ended. Its analysis starts now.",
            run=_end,
            is_grave=True,
        ),
        Action(
            name="retry",
            label="Retry",
            phases=frozenset({Phase.FAILED, Phase.DISMISSED}),
            question="Retry the analysis?",
            consequence="The call gets another round of attempts. No existing data is lost.",
            done="The call gets another round of attempts.",
            run=_retry,
        ),
        Action(
            name="dismiss",
            label="Dismiss",
            phases=frozenset({Phase.FAILED}),
            question="Dismiss this call?",
            consequence=(
                "The call needs no analysis. It no longer counts as failed and is not retried "
                "automatically. Everything received is kept, and a retry undoes the dismissal."
            ),
            done="The call was dismissed: it no longer counts as failed.",
            run=_dismiss,
            is_main=False,
        ),
        Action(
            name="reanalyse",
            label="Reanalyse",
            phases=frozenset({Phase.ARCHIVED}),
            question="Analyse this call again?",
            consequence=("The previous result is kept. The new one replaces it on this page."),
            done="The call is being analysed again.",
            run=_reanalyse,
            stages=STAGES,
        ),
        Action(
            name="swap",
            label="Swap speakers",
            phases=frozenset(Phase),
            question="Swap agent and customer?",
            consequence=(
                "They change places in transcript, sentiment, figures and recording at once. The "
                "previous result is kept as an older version. Nothing is transcribed again. The AI "
                "then writes a new summary and new insights."
            ),
            done="Agent and customer have changed places.",
            run=_swap,
            is_main=False,
        ),
    )
}


def actions_for(call: Call) -> list[Action]:
    """Return what the state of the call allows, the main thing first."""
    phase = phase_of(call)
    return [action for action in ACTIONS.values() if phase in action.phases]
