"""The lists of agents and of queues: the filter and order in the address, and the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Self
from urllib.parse import urlencode

from django.utils import timezone

from calls.reports.cards import Card, read_cards
from calls.reports.figures import By, Figures

PAGE_SIZE = 100
NAME_LENGTH = 200
BUSY, WORST = "live", "worst"
# The value that a list is sorted by, the greatest first. Unknown values come last.
_ORDERS: dict[str, Callable[[Card], Any]] = {
    WORST: lambda card: card.badness,
    "calls": lambda card: (card.today.calls,),
    "handled": lambda card: (card.today.handled,),
    "negative": lambda card: (_or_last(card.today.negative_percent),),
    "handling": lambda card: (_or_last(card.today.average_handling_s),),
    "alerts": lambda card: (card.worst_alert, card.open_alerts),
}
SORTS = (BUSY, *_ORDERS, "name")
NAMES = {"query": "q", "sort": "sort", "page": "page"}


def _or_last(value: float | None) -> float:
    return -1 if value is None else value


@dataclass(frozen=True)
class ListFilter:
    """What the address of a list asks for."""

    query: str = ""
    sort: str = BUSY
    page: int = 1

    @classmethod
    def from_query(cls, query: Mapping[str, Any]) -> Self:
        """Read the address. Ignore invalid values."""
        sort, page = str(query.get("sort", "")), str(query.get("page", ""))
        is_number = page.isascii() and page.isdigit() and len(page) < 6
        return cls(
            query=str(query.get("q", "")).replace("\0", "").strip()[:NAME_LENGTH],
            sort=sort if sort in SORTS else BUSY,
            page=max(1, int(page)) if is_number else 1,
        )

    def address(self, **changes: Any) -> str:
        """Return the query string with changes, for the first page by default."""
        wanted, usual = replace(self, **{"page": 1, **changes}), type(self)()
        named = {
            NAMES[each.name]: value
            for each in fields(self)
            if (value := getattr(wanted, each.name)) != getattr(usual, each.name)
        }
        return f"?{urlencode(named)}" if named else "?"


@dataclass(frozen=True)
class ListPage:
    """The cards of a page. ``total`` are the figures of all cards that match."""

    wanted: ListFilter
    cards: list[Card]
    count: int
    talking: int
    total: Figures
    now: datetime

    @property
    def previous(self) -> str:
        return self.wanted.address(page=self.wanted.page - 1) if self.wanted.page > 1 else ""

    @property
    def next(self) -> str:
        more = self.count > self.wanted.page * PAGE_SIZE
        return self.wanted.address(page=self.wanted.page + 1) if more else ""


def read_list(by: By, wanted: ListFilter) -> ListPage:
    now = timezone.now()
    sought = wanted.query.casefold()
    cards = [card for card in read_cards(by, now=now) if sought in card.name.casefold()]
    cards = sort_cards(cards, wanted.sort)
    first = (wanted.page - 1) * PAGE_SIZE
    return ListPage(
        wanted,
        cards[first : first + PAGE_SIZE],
        count=len(cards),
        talking=sum(bool(card.live) for card in cards),
        total=sum((card.today for card in cards), Figures()),
        now=now,
    )


def sort_cards(cards: list[Card], sort: str) -> list[Card]:
    """Sort by name, then by the order. Calls without a name always come last."""
    named = sorted(cards, key=lambda card: (card.name.casefold(), card.name))
    if sort == BUSY:
        named.sort(key=_busy)
    elif sort in _ORDERS:
        # A stable sort in reverse keeps equal cards in the order of their names.
        named.sort(key=_ORDERS[sort], reverse=True)
    return [card for card in named if card.name] + [card for card in named if not card.name]


def _busy(card: Card) -> tuple[Any, ...]:
    """Those who are talking come first, the longest call at the top; then by calls today."""
    longest = card.longest
    if longest is None:
        return (1, -card.today.calls)
    return (0, longest.opened_at)
