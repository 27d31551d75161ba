"""The wallboard, the fragments that keep it up to date, and its CSV download."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from calls.analysis.status import read_status
from calls.api import downloads
from calls.models import Call
from supervisor import selection
from supervisor.access import guarded
from supervisor.board import columns as board_columns
from supervisor.board import read_model as board_read_model
from supervisor.board.day_menu import day_menu
from supervisor.board.history import read_history
from supervisor.bulk.kinds import offered_kinds
from supervisor.figures import COUNTED, read_figures
from supervisor.lists import List
from supervisor.live import position as live_position
from supervisor.preferences import active
from supervisor.selection import NARROWING, PAGE_SIZES, Filter

# A script sets it when somebody opens or closes the chart.
CHART_COOKIE = "callcenter-chart"


@require_safe
@guarded("calls.view_call")
def show_board(request: HttpRequest) -> HttpResponse:
    wanted, status = Filter.from_query(request.GET), read_status()
    # Read first: an event in between then reaches the page twice rather than never.
    # The status is read once, for the banner and for the figures.
    position, figures = live_position.read_position(), read_figures(status)
    context = {
        "position": position,
        "tabs": board_read_model.tabs(wanted, figures),
        "sizes": PAGE_SIZES,
        "sentiments": Call.Sentiment.choices,
        "troubles": Call.SoundTrouble.choices,
        "choices": selection.read_choices(),
        "has_queues": bool(wanted.mine or active().queues),
        "days": day_menu(wanted),
        "columns": board_columns.column_menu(wanted),
        "orders": board_columns.offered_orders(wanted),
        "kept_by_search": wanted.first_page().pairs(without=_TYPED),
        "filter_count": sum(bool(getattr(wanted, name)) for name in NARROWING if name != "phase"),
        "analysis_status": status,
        "figures": figures,
        "alerts_counted": COUNTED,
        **_history(request),
        **_list(request, wanted, board_read_model.read_page(wanted)),
        "cleared": Filter(sort=wanted.sort, size=wanted.size, columns=wanted.columns).address(),
        "now": timezone.now(),
        "site_zone": timezone.get_current_timezone_name(),
        "origin": request.build_absolute_uri(reverse("home")).rstrip("/"),
        "needs_key": settings.API_AUTH == "key",
    }
    return render(request, "supervisor/board.html", context)


# The fields of the search form. It keeps all others.
_TYPED = frozenset(
    {
        "query", "queue", "mine", "agent", "tag", "alert", "trouble", "hold", "customer", "sort",
        "size",
    }
)  # fmt: skip


def _list(request: HttpRequest, wanted: Filter, page: board_read_model.BoardPage) -> dict[str, Any]:
    """Return what the rows, the headings and the buttons below them need."""
    columns = board_columns.chosen_columns(wanted)
    return {
        "wanted": wanted,
        "page": page,
        "bulk_kinds": offered_kinds(request.user),
        "headings": board_columns.headings(wanted, columns),
        "shown": frozenset(column.name for column in columns),
        "first": wanted.first_page().address(),
        "list_parameter": List(wanted.query_string).parameter,
    }


def _history(request: HttpRequest) -> dict[str, Any]:
    return {
        "history": read_history(),
        "is_chart_open": request.COOKIES.get(CHART_COOKIE) == "open",
    }


@require_safe
@guarded("calls.view_call")
def show_rows(request: HttpRequest) -> HttpResponse:
    """The rows of the calls named by ``id`` that match the filter; without ``id``, a whole page."""
    wanted = Filter.from_query(request.GET)
    # Single rows for a change of a shown call; a whole page when the list itself may have changed.
    if "id" in request.GET:
        page = board_read_model.BoardPage(
            board_read_model.read_rows(request.GET.getlist("id"), wanted), ""
        )
    else:
        page = board_read_model.read_page(wanted)
    return render(request, "supervisor/_rows.html", _list(request, wanted, page))


@require_safe
@guarded("calls.view_call")
def show_table(request: HttpRequest) -> HttpResponseBase:
    """All calls that match the filter, as CSV, newest first."""
    calls = Filter.from_query(request.GET).apply(Call.objects.all())
    # People who follow the link open the file in a spreadsheet.
    return downloads.table(calls, bom=True)


@require_safe
@guarded("calls.view_call")
def show_analysis_status(request: HttpRequest) -> HttpResponse:
    return render(request, "supervisor/_analysis_status.html", {"analysis_status": read_status()})


@require_safe
@guarded("calls.view_call")
def show_history(request: HttpRequest) -> HttpResponse:
    return render(request, "supervisor/_history.html", _history(request))
