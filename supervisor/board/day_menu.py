"""The menu of days on the wallboard: what is chosen, and what it offers."""

from __future__ import annotations

from datetime import date, tzinfo
from typing import Any

from django.utils import timezone

from supervisor.days import day_of, zone_of
from supervisor.selection import Filter

# Label, first day and last day. They are relative to today, also in a saved address.
OFFERED = (
    ("Any day", "", ""),
    ("Today", "today", ""),
    ("Yesterday", "yesterday", "yesterday"),
    ("Last 7 days", "-6", ""),
    ("Last 30 days", "-29", ""),
)
_NAMED = {(first, last): label for label, first, last in OFFERED}


def day_menu(wanted: Filter) -> dict[str, Any]:
    zone = zone_of(wanted.zone)
    first, last = day_of(wanted.day_from, zone), day_of(wanted.day_to, zone)
    return {
        "shown": _shown(wanted, first, last, zone),
        "first": first,
        "last": last,
        "offered": [
            (label, wanted.first_page(day_from=begin, day_to=end, zone="").address())
            for label, begin, end in OFFERED
        ],
        "kept": wanted.first_page().pairs(without={"day_from", "day_to", "zone"}),
    }


def _shown(wanted: Filter, first: date | None, last: date | None, zone: tzinfo) -> str:
    if label := _NAMED.get((wanted.day_from, wanted.day_to)):
        return label.removesuffix(" day")
    if first == last and first:
        return _text(first, zone)
    if first and last:
        return f"{_text(first, zone)} \N{EN DASH} {_text(last, zone)}"
    return f"from {_text(first, zone)}" if first else f"to {_text(last, zone)}" if last else "Any"


def _text(day: date, zone: tzinfo) -> str:
    is_this_year = day.year == timezone.localdate(timezone=zone).year
    return f"{day.day} {day:%b}" if is_this_year else f"{day.day} {day:%b %Y}"
