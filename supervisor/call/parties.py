"""Who is talking with whom: the title of the call page, and the number of the customer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from calls.holds.customers import customer_of
from calls.models import Call

_RELATIONS: dict[str, tuple[str, str]] = {
    Call.Direction.INBOUND: ("\N{LEFTWARDS ARROW}", "called by"),
    Call.Direction.OUTBOUND: ("\N{RIGHTWARDS ARROW}", "calling"),
}


@dataclass(frozen=True)
class Parties:
    """The two sides of a call. A side that is not known is empty.

    ``arrow`` shows the direction of the call, and ``relation`` says it in words. Without a
    direction, there is no arrow.
    """

    agent: str
    customer: str
    queue: str
    arrow: str = ""
    relation: str = "with"

    @classmethod
    def of(cls, call: Call) -> Self:
        arrow, relation = _RELATIONS.get(call.direction, ("", "with"))
        return cls(call.agent, customer_of(call), call.queue, arrow, relation)

    @property
    def are_known(self) -> bool:
        return bool(self.agent or self.customer)

    @property
    def agent_name(self) -> str:
        return self.agent or "Unknown agent"

    @property
    def customer_name(self) -> str:
        return self.customer or "unknown customer"

    @property
    def title(self) -> str:
        """The title in words; empty if neither side is known."""
        if not self.are_known:
            return ""
        queue = f", {self.queue}" if self.queue else ""
        return f"{self.agent_name} {self.relation} {self.customer_name}{queue}"
