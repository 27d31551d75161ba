"""The views that add and remove tags and notes. Each calls one service and redirects back."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from calls.actions import ACTIONS, DELETE_NOTE
from calls.annotations import (
    AnnotationRefused,
    NotThere,
    NotYours,
    add_note,
    add_tag,
    delete_note,
    remove_tag,
)
from calls.services import CallNotFound
from supervisor.access import asked_for_at, guarded
from supervisor.call.marks import read_moment


@require_POST
@guarded(ACTIONS["tag"].permission)
def tag(request: HttpRequest, call_id: str) -> HttpResponse:
    name, by = request.POST.get("name", ""), request.user.get_username()
    return _do(request, call_id, lambda: add_tag(call_id=call_id, name=name, by=by))


@require_POST
@guarded(ACTIONS["untag"].permission)
def untag(request: HttpRequest, call_id: str) -> HttpResponse:
    name, by = request.POST.get("name", ""), request.user.get_username()
    return _do(request, call_id, lambda: remove_tag(call_id=call_id, name=name, by=by))


@require_POST
@guarded(ACTIONS["note"].permission)
def note(request: HttpRequest, call_id: str) -> HttpResponse:
    text, by = request.POST.get("text", ""), request.user.get_username()
    moment = request.POST.get("at", "")
    return _do(
        request,
        call_id,
        lambda: add_note(call_id=call_id, text=text, by=by, at_ms=read_moment(moment)),
    )


@require_POST
@guarded(ACTIONS["unnote"].permission)
def unnote(request: HttpRequest, call_id: str, note_id: int) -> HttpResponse:
    by, of_others = request.user.get_username(), request.user.has_perm(DELETE_NOTE)
    return _do(
        request,
        call_id,
        lambda: delete_note(call_id=call_id, note_id=note_id, by=by, of_others=of_others),
    )


def _do(request: HttpRequest, call_id: str, service: Callable[[], object]) -> HttpResponse:
    try:
        service()
    except CallNotFound as error:
        raise Http404(str(error)) from error
    except (NotThere, NotYours, AnnotationRefused) as error:
        # Shown on the page: somebody else may have removed the tag a moment ago.
        messages.error(request, f"Nothing was changed: {error}")
    target = asked_for_at(request)
    return redirect(target) if target else redirect("supervisor:call", call_id=call_id)
