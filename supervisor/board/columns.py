"""The columns of the wallboard: which there are, which are shown, and how headings sort by them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from supervisor.ordering import LIVE_FIRST, NEWEST, OLDEST, WORST_FIRST
from supervisor.preferences import active
from supervisor.selection import Filter


@dataclass(frozen=True)
class Column:
    """A column. ``first_order`` is that of the first click: numbers from the worst, names from A.

    A column that is not ``optional`` is always shown; a ``usual`` one is shown unless others were
    chosen.
    """

    name: str
    label: str
    first_order: str = ""
    is_usual: bool = True
    is_optional: bool = True


COLUMNS = (
    Column("state", "State", is_optional=False),
    Column("call", "Agent and customer", "agent", is_optional=False),
    Column("queue", "Queue", "queue"),
    Column("opened", "Started", NEWEST),
    Column("duration", "Duration", "-duration"),
    Column("customer", "Customer sentiment", "customer"),
    Column("sentiment", "Agent sentiment", "sentiment"),
    Column("alerts", "Alerts and tags", WORST_FIRST),
    Column("packets", "Packets", "-packets", is_usual=False),
    Column("loss", "Loss", "-loss", is_usual=False),
    Column("analysis", "Summary", "next"),
)


# Narrow screens have no headings to sort by.
_ORDERS = (
    ("", "Live first"),
    (NEWEST, "Newest"),
    (OLDEST, "Oldest"),
    ("-duration", "Longest"),
    (WORST_FIRST, "Alerts first"),
    ("customer", "Customer sentiment"),
    ("agent", "Agent"),
    ("queue", "Queue"),
)


def offered_orders(wanted: Filter) -> list[tuple[str, str]]:
    """Return the orders of the filters, and the current one if it is another."""
    current = "" if wanted.sort == LIVE_FIRST else wanted.sort
    is_offered = current in dict(_ORDERS)
    return [*_ORDERS] if is_offered else [*_ORDERS, (current, "By column")]


def shown_columns(names: Iterable[str] = ()) -> list[Column]:
    """Return the columns with these names, in the order of the board, and those always shown.

    If no name is known, return the usual columns.
    """
    wanted = set(names) & {column.name for column in COLUMNS}
    if not wanted:
        return [column for column in COLUMNS if column.is_usual]
    return [column for column in COLUMNS if not column.is_optional or column.name in wanted]


def chosen_columns(wanted: Filter) -> list[Column]:
    """Return the columns that an address asks for, or else those that the reader chose."""
    return shown_columns(wanted.columns.split(",") if wanted.columns else active().columns)


def column_menu(wanted: Filter) -> dict[str, Any]:
    """Return what the menu of columns offers, and the parameters that its form keeps."""
    return {
        "optional": [column for column in COLUMNS if column.is_optional],
        "kept": wanted.pairs(without={"columns"}),
        "usual": wanted.first_page(columns="").address(),
    }


@dataclass(frozen=True)
class Heading:
    """A column heading: the address that sorts by it, and ``order``, its value of aria-sort."""

    name: str
    label: str
    address: str
    order: str


def headings(wanted: Filter, columns: Iterable[Column]) -> list[Heading]:
    return [_heading(wanted, column) for column in columns]


def _heading(wanted: Filter, column: Column) -> Heading:
    first = column.first_order
    if not first:
        return Heading(column.name, column.label, "", "")
    turned = first.removeprefix("-") if first.startswith("-") else f"-{first}"
    sort = turned if wanted.sort == first else first
    order = ""
    if wanted.sort in (first, turned):
        order = "descending" if wanted.sort.startswith("-") else "ascending"
    return Heading(column.name, column.label, wanted.first_page(sort=sort).address(), order)
