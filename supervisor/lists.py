"""The list of calls that a page came from: its address, and its name.

Links from a list to a call carry ``list``: the query string of the wallboard, or the name of
another list, ``?`` and its query string.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self
from urllib.parse import urlencode

from django.http import HttpRequest, QueryDict
from django.urls import reverse

PARAMETER = "list"
LENGTH_LIMIT = 2000
BOARD = "board"
LABELS = {
    BOARD: "Wallboard", "search": "Search", "alerts": "Alerts", "agents": "Agents",
    "queues": "Queues", "agent": "Agent", "queue": "Queue", "days": "All calls",
}  # fmt: skip
PEOPLE = ("agent", "queue")


@dataclass(frozen=True)
class List:
    """A page that lists calls, or agents or queues with their calls."""

    query: str = ""
    page: str = BOARD

    @classmethod
    def read(cls, text: str) -> Self:
        """Read the value of the parameter. An invalid one means the wallboard without a filter."""
        page, mark, query = text[:LENGTH_LIMIT].replace("\0", "").partition("?")
        if mark and page in LABELS:
            return cls(query, page)
        return cls("" if mark else page)

    @property
    def label(self) -> str:
        """What the way back is called: the page, or the name of the agent or queue."""
        label = LABELS[self.page]
        if self.page not in PEOPLE:
            return label
        return QueryDict(self.query).get("name") or f"No {label.lower()}"

    @property
    def address(self) -> str:
        """The address of the list."""
        path = reverse(f"supervisor:{self.page}")
        return f"{path}?{self.query}" if self.query else path

    @property
    def value(self) -> str:
        """What ``read`` makes this list of."""
        return self.query if self.page == BOARD else f"{self.page}?{self.query}"

    @property
    def parameter(self) -> str:
        """The parameter that carries this list in the address of a call."""
        return urlencode({PARAMETER: self.value})


def came_from(request: HttpRequest) -> List | None:
    """Return the list that the request came from; None if its address does not say."""
    text = request.GET.get(PARAMETER)
    return None if text is None else List.read(text)
