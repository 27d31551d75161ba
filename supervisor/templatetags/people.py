"""The lists of agents and queues, and the page of one of them: addresses, days and shares."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from django import template
from django.urls import reverse

from calls.models import Call
from calls.reports.figures import By
from supervisor.dates import long_day
from supervisor.people.lists import ListFilter
from supervisor.people.one import OnePage
from supervisor.people.site import SitePage
from supervisor.templatetags.look import span

register = template.Library()


@register.simple_tag
def query_of(wanted: ListFilter, **changes: Any) -> str:
    """The query string of a list with changes."""
    return wanted.address(**changes)


@register.simple_tag
def range_of(page: OnePage | SitePage, **parameters: str) -> str:
    """The query string of the page of an agent or queue for another range."""
    return page.address(**parameters)


@register.simple_tag
def page_of(by: By, name: str, **parameters: str) -> str:
    """The address of the page of an agent or queue."""
    return f"{reverse(f'supervisor:{by}')}?{urlencode({'name': name, **parameters})}"


@register.simple_tag
def calls_of(by: By, name: str, **parameters: Any) -> str:
    """The wallboard's address for the calls of an agent or queue."""
    return f"{reverse('supervisor:board')}?{urlencode({by: name, **parameters})}"


@register.simple_tag
def calls_on(page: OnePage | SitePage, iso: str) -> str:
    """The wallboard's address for the calls of one day of a page; empty if it cannot show them."""
    query = page.calls_from(**{"from": iso, "to": iso})
    return f"{reverse('supervisor:board')}{query}" if query else ""


@register.filter
def so_far(call: Call, now: datetime) -> str:
    """How long a live call has lasted."""
    return span(call.lasted_s(now))


@register.filter
def whole_percent(value: float | None) -> str:
    return "" if value is None else f"{value:.0f} %"


@register.filter
def day(value: date) -> str:
    """A date with its weekday."""
    return f"{value:%a} {long_day(value)}"
