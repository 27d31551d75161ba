"""The search page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from supervisor.access import guarded
from supervisor.bulk.kinds import offered_kinds
from supervisor.lists import List
from supervisor.search.read_model import read_search
from supervisor.selection import read_choices


@require_safe
@guarded("calls.view_call")
def show_search(request: HttpRequest) -> HttpResponse:
    search = read_search(request.GET)
    here = List(search.question.address(before=search.question.before).removeprefix("?"), "search")
    context = {
        "search": search,
        "choices": read_choices(),
        # What the call page marks, and where it leads back to.
        "words": "&".join(filter(None, (search.question.words, here.parameter))),
        "bulk_kinds": offered_kinds(request.user),
        "list_value": here.value,
    }
    return render(request, "supervisor/search.html", context)
