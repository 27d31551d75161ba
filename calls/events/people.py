"""The entries of the event log about who sees which calls, and who listens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, kw_only=True)
class CallReassigned:
    """The call had this agent and this queue before. Others may see it now than did then."""

    type: ClassVar[str] = "call_reassigned"
    agent: str
    queue: str


@dataclass(frozen=True, kw_only=True)
class PeopleChanged:
    """Agents or teams changed, so people may see other calls. The entry has no call."""

    type: ClassVar[str] = "people_changed"


@dataclass(frozen=True, kw_only=True)
class ListeningStarted:
    """Somebody began to listen to the live call. ``session`` is the number of the ListenSession."""

    type: ClassVar[str] = "listening_started"
    session: int
    by: str


@dataclass(frozen=True, kw_only=True)
class ListeningEnded:
    """Somebody listened for ``seconds``."""

    type: ClassVar[str] = "listening_ended"
    session: int
    by: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class ActionLinkUsed:
    """Somebody followed the site's link to the phone system, which lets people join a call."""

    type: ClassVar[str] = "action_link_used"
    by: str
