"""The search page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from supervisor.access import guarded
from supervisor.search.read_model import read_search
from supervisor.selection import Filter, read_choices


@require_safe
@guarded("calls.view_call")
def show_search(request: HttpRequest) -> HttpResponse:
    context = {"search": read_search(request.GET), "choices": read_choices(Filter())}
    return render(request, "supervisor/search.html", context)
