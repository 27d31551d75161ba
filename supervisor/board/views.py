"""The wallboard, the fragments that keep it up to date, and its CSV download."""

from __future__ import annotations

from dataclasses import replace

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from calls.actions import IN_BULK
from calls.analysis.status import read_status
from calls.api import downloads
from calls.models import Call
from supervisor import selection
from supervisor.access import guarded
from supervisor.board import read_model as board_read_model
from supervisor.board.history import read_history
from supervisor.figures import read_figures
from supervisor.live import position as live_position
from supervisor.selection import NEWEST, PAGE_SIZES, WORST_FIRST, Filter


@require_safe
@guarded("calls.view_call")
def show_board(request: HttpRequest) -> HttpResponse:
    wanted, status = Filter.from_query(request.GET), read_status()
    # Before anything else is read: an event in between reaches the page twice rather than never.
    # The status is read once, for the banner and for the figures.
    position, figures = live_position.read_position(), read_figures(status)
    context = {
        "position": position,
        "wanted": wanted,
        "tabs": board_read_model.tabs(wanted, figures),
        "sizes": PAGE_SIZES,
        "headings": board_read_model.headings(wanted),
        "choices": selection.read_choices(wanted),
        "analysis_status": status,
        "bulk_kinds": [(name, words.title) for name, words in IN_BULK.items()],
        "figures": figures,
        "history": read_history(),
        "page": board_read_model.read_page(wanted),
        "first": wanted.first_page().address(),
        "cleared": Filter(size=wanted.size, wall=wanted.wall).address(),
        "alerts_first": wanted.first_page(
            sort=NEWEST if wanted.sort == WORST_FIRST else WORST_FIRST
        ).address(),
        "wall": replace(wanted, wall=not wanted.wall).address(),
        "now": timezone.now(),
        "origin": request.build_absolute_uri("/").rstrip("/"),
        "needs_key": settings.API_AUTH == "key",
    }
    return render(request, "supervisor/board.html", context)


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
    context = {"page": page, "wanted": wanted, "first": wanted.first_page().address()}
    return render(request, "supervisor/_rows.html", context)


@require_safe
@guarded("calls.view_call")
def show_table(request: HttpRequest) -> HttpResponseBase:
    """All calls that match the filter, as CSV, newest first."""
    calls = Filter.from_query(request.GET).apply(Call.objects.all())
    # Who follows the link opens it with a spreadsheet.
    return downloads.table(calls, bom=True)


@require_safe
@guarded("calls.view_call")
def show_analysis_status(request: HttpRequest) -> HttpResponse:
    return render(request, "supervisor/_analysis_status.html", {"analysis_status": read_status()})


@require_safe
@guarded("calls.view_call")
def show_history(request: HttpRequest) -> HttpResponse:
    return render(request, "supervisor/_history.html", {"history": read_history()})
