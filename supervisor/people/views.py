"""The lists of agents and of queues, the page of one of them, and that of all calls by day."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from calls.reports.figures import By
from supervisor.access import guarded
from supervisor.lists import List
from supervisor.live import position as live_position
from supervisor.people.lists import ListFilter, read_list
from supervisor.people.one import OnePage, read_one
from supervisor.people.ranges import OFFERED
from supervisor.people.site import SitePage, read_site


@require_safe
@guarded("calls.view_call")
def show_agents(request: HttpRequest) -> HttpResponse:
    return _list(request, "agent", "supervisor/people/agents.html")


@require_safe
@guarded("calls.view_call")
def show_queues(request: HttpRequest) -> HttpResponse:
    return _list(request, "queue", "supervisor/people/queues.html")


@require_safe
@guarded("calls.view_call")
def show_agent(request: HttpRequest) -> HttpResponse:
    return _one(request, "agent")


@require_safe
@guarded("calls.view_call")
def show_queue(request: HttpRequest) -> HttpResponse:
    return _one(request, "queue")


@require_safe
@guarded("calls.view_call")
def show_days(request: HttpRequest) -> HttpResponse:
    return _over_days(request, read_site, "days", "supervisor/people/site.html")


def _list(request: HttpRequest, by: By, template: str) -> HttpResponse:
    # Read first: an event in between then reaches the page twice rather than never.
    position = live_position.read_position()
    wanted = ListFilter.from_query(request.GET)
    context = {
        "position": position,
        "by": by,
        "views_of": f"{by}s",
        "wanted": wanted,
        "page": read_list(by, wanted),
        "table": _table_of_today(by),
        "now": timezone.now(),
        "list_parameter": List(request.GET.urlencode(), f"{by}s").parameter,
    }
    return render(request, template, context)


def _table_of_today(by: By) -> str:
    today, zone = str(timezone.localdate()), timezone.get_current_timezone_name()
    query = urlencode({"from": today, "to": today, "tz": zone, "bom": "true"})
    return f"{reverse(f'report-{by}s-csv')}?{query}"


def _one(request: HttpRequest, by: By) -> HttpResponse:
    return _over_days(request, partial(read_one, by), by, "supervisor/people/one.html")


def _over_days(
    request: HttpRequest, read: Callable[[QueryDict], OnePage | SitePage], name: str, template: str
) -> HttpResponse:
    # Before anything else is read: an event in between reaches the page twice rather than never.
    position = live_position.read_position()
    page = read(request.GET)
    context = {
        "position": position,
        "page": page,
        "offered": OFFERED,
        "now": page.now,
        "list_parameter": List(request.GET.urlencode(), name).parameter,
    }
    return render(request, template, context)
