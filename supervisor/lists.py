"""The list of calls that a page came from: its address, and the next and previous calls in it.

Links from a list to a call carry ``list``: the query string of the wallboard, or the name of
another list, ``?`` and its query string.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import Self
from urllib.parse import urlencode

from django.http import HttpRequest, QueryDict
from django.urls import reverse

from calls.models import Call
from supervisor.ordering import Place, after, sort_newest
from supervisor.selection import Filter

PARAMETER = "list"
LENGTH_LIMIT = 2000
BOARD = "board"
LABELS = {BOARD: "Wallboard", "search": "Search", "alerts": "Alerts"}


@dataclass(frozen=True)
class List:
    """A list of calls: the wallboard, the results of a search, or the alerts."""

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
        return LABELS[self.page]

    @property
    def address(self) -> str:
        """The address of the list."""
        path = reverse(f"supervisor:{self.page}")
        return f"{path}?{self.query}" if self.query else path

    @property
    def parameter(self) -> str:
        """The parameter that carries this list in the address of a call."""
        value = self.query if self.page == BOARD else f"{self.page}?{self.query}"
        return urlencode({PARAMETER: value})

    def neighbours(self, call: Call) -> tuple[Call | None, Call | None]:
        """Return the calls before and after this one in the order of the list, if it has them."""
        if self.page != BOARD:
            return None, None
        wanted = Filter.from_query(QueryDict(self.query))
        return _beside_by_age(call, wanted) if wanted.is_by_age else _beside(call, wanted)


def came_from(request: HttpRequest) -> List | None:
    """Return the list that the request came from; None if its address does not say."""
    text = request.GET.get(PARAMETER)
    return None if text is None else List.read(text)


def _beside_by_age(call: Call, wanted: Filter) -> tuple[Call | None, Call | None]:
    calls, place = wanted.apply(Call.objects.all()), Place.of(call)
    before, behind = (
        chain.from_iterable(
            portion[:1] for portion in after(place, calls, wanted.sort, backwards=backwards)
        )
        for backwards in (True, False)
    )
    return next(before, None), next(behind, None)


def _beside(call: Call, wanted: Filter) -> tuple[Call | None, Call | None]:
    sorted_calls = sort_newest(wanted.apply(Call.objects.all()), wanted.sort)
    pks = list(sorted_calls.values_list("pk", flat=True))
    if call.pk not in pks:
        return None, None
    at = pks.index(call.pk)
    found = Call.objects.in_bulk([*pks[max(at - 1, 0) : at], *pks[at + 1 : at + 2]])
    before = found.get(pks[at - 1]) if at else None
    return before, found.get(pks[at + 1]) if at + 1 < len(pks) else None
