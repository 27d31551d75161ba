"""What an action on calls is: where it is offered, what it needs, and its words.

``calls.actions.catalogue`` has the actions themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from calls.analysis.redecoding import COMMON_FORMATS
from calls.lifecycle import CallState
from calls.models import ApiKey, Call, Stage

OPERATE = "calls.operate_call"
ANY_STATE = frozenset(CallState)
STAGES = (
    (
        Stage.TRANSCRIBE.value,
        "From scratch: transcribe the call again, then summarise and score it",
    ),
    (Stage.UNDERSTAND.value, "Keep the transcript: redo only summary, sentiment and figures"),
)
# Where the call page offers an action: at the top, in the menu *More*, or in *Technical*.
Place = Literal["head", "more", "technical"]


@dataclass(frozen=True)
class OneCall:
    """The words of the call page: its button, the confirmation, and the message afterwards."""

    label: str
    question: str
    consequence: str
    done: str
    is_main: bool = False
    place: Place = "head"


@dataclass(frozen=True)
class ManyCalls:
    """The words of a bulk action. ``button`` says "5 calls" in place of ``{calls}``.

    ``will`` continues "these calls", ``done`` is their outcome.
    """

    title: str
    button: str
    will: str
    consequence: str
    done: str = "Done"


@dataclass(frozen=True)
class Action:
    """One action. ``run(call_id=..., by=..., **options)`` carries it out or raises a refusal.

    ``past`` continues "A call that is failed cannot be". ``takes`` names the options that ``run``
    needs, and ``may_take`` those that the call page offers besides. ``is_done`` says whether a call
    in one of the ``states`` no longer needs the action. ``scope`` and ``status`` belong to the API,
    ``admin_label`` to the admin. An action without words for a place is not offered there. After
    one that ``removes`` the call there is no call to go back to.
    """

    name: str
    run: Callable[..., Any]
    past: str = ""
    states: frozenset[CallState] = ANY_STATE
    permission: str = OPERATE
    scope: ApiKey.Scope = ApiKey.Scope.SUPERVISE
    status: str = ""
    takes: tuple[str, ...] = ()
    may_take: tuple[str, ...] = ()
    is_grave: bool = False
    removes: bool = False
    is_done: Callable[[Call], bool] = lambda call: False
    page: OneCall | None = None
    bulk: ManyCalls | None = None
    admin_label: str = ""

    @property
    def stages(self) -> tuple[tuple[str, str], ...]:
        """The stages to choose from, each with its words."""
        return STAGES if "stage" in self.takes else ()

    @property
    def formats(self) -> tuple[tuple[str, str], ...]:
        """The media types to choose from, each with its words."""
        return COMMON_FORMATS if "media" in self.takes else ()

    def is_offered(self, call: Call) -> bool:
        return call.state in self.states and not self.is_done(call)
