"""The lists of agents and of queues, and the page of one of them."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from calls.reports.figures import By
from supervisor.access import guarded
from supervisor.live import position as live_position
from supervisor.people.lists import ListFilter, read_list
from supervisor.people.one import read_one
from supervisor.people.ranges import OFFERED


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
    }
    return render(request, template, context)


def _table_of_today(by: By) -> str:
    today, zone = str(timezone.localdate()), timezone.get_current_timezone_name()
    query = urlencode({"from": today, "to": today, "tz": zone, "bom": "true"})
    return f"{reverse(f'report-{by}s-csv')}?{query}"


def _one(request: HttpRequest, by: By) -> HttpResponse:
    position = live_position.read_position()
    page = read_one(by, request.GET)
    context = {"position": position, "page": page, "offered": OFFERED, "now": page.now}
    return render(request, "supervisor/people/one.html", context)
