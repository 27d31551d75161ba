"""Bulk actions: ask, start, list, show and stop."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from calls.actions import ACTIONS
from calls.actions.bulk import TooMany, start_bulk, stop_bulk
from calls.annotations import AnnotationRefused, known_tags
from calls.holds.services import HoldRefused
from supervisor.access import guarded
from supervisor.bulk.kinds import PERMISSIONS
from supervisor.bulk.read_model import (
    Kind,
    Selection,
    actions_of,
    read_progress,
    read_question,
    read_recent,
)
from supervisor.call.actions import BadForm, chosen_stage
from supervisor.lists import came_from


@require_POST
@guarded(*PERMISSIONS)
def ask(request: HttpRequest) -> HttpResponse:
    """Show the selected calls and the effect of the action, and ask. Changes nothing."""
    if request.POST.get("action") not in Kind.values:
        messages.error(request, "Choose an action.")
        return redirect(_list_of(request))
    return _ask(request, _allowed(request, Kind(request.POST["action"])))


def _allowed(request: HttpRequest, kind: Kind) -> Kind:
    """Return the kind. Raises PermissionDenied if this person may not do it."""
    if not request.user.has_perm(ACTIONS[kind].permission):
        raise PermissionDenied
    return kind


def _list_of(request: HttpRequest) -> str:
    """Return the address of the list that the form was sent from."""
    return Selection.from_form(request.POST).origin.address


def _ask(request: HttpRequest, kind: Kind, problem: str = "", status: int = 200) -> HttpResponse:
    question = read_question(kind, Selection.from_form(request.POST))
    if not question.total:
        messages.error(request, "Select at least one call.")
        return redirect(_list_of(request))
    context = {
        "question": question,
        "stages": question.action.stages,
        "known_tags": known_tags() if question.takes_tag else [],
        "token": uuid.uuid4(),
        "problem": problem,
    }
    return render(request, "supervisor/bulk/ask.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(*PERMISSIONS)
def actions(request: HttpRequest) -> HttpResponse:
    """The list of recent actions; POST starts a new one."""
    if request.method == "POST":
        return _start(request)
    return render(
        request, "supervisor/bulk/list.html", {"actions": read_recent(request.user.get_username())}
    )


def _start(request: HttpRequest) -> HttpResponse:
    form = request.POST
    if form.get("action") not in Kind.values:
        return HttpResponseBadRequest("action: unknown.", content_type="text/plain")
    kind, selection = _allowed(request, Kind(form["action"])), Selection.from_form(form)
    try:
        action = start_bulk(
            kind=kind,
            call_ids=selection.call_ids_now(),
            by=request.user.get_username(),
            stage=chosen_stage(form) if "stage" in ACTIONS[kind].takes else "",
            tag=form.get("tag", ""),
            reason=form.get("reason", ""),
            query=selection.address,
            # The page was made with this token, so a form that is sent twice starts one action.
            token=uuid.UUID(form.get("token", "")),
        )
    except (BadForm, ValueError) as error:
        return HttpResponseBadRequest(str(error), content_type="text/plain")
    # The question is asked again with the explanation, and the selection is kept.
    except (AnnotationRefused, HoldRefused, TooMany) as error:
        return _ask(request, kind, problem=str(error), status=400)
    page = reverse("supervisor:bulk", args=[action.pk])
    return redirect(f"{page}?{selection.origin.parameter}" if "list" in form else page)


@require_safe
@guarded(*PERMISSIONS)
def show(request: HttpRequest, action_id: int) -> HttpResponse:
    """The progress of an action. The page's script fetches it again while the action runs."""
    # The address takes any number of digits. More than 64 bits would be an error of the database.
    seen = actions_of(request.user.get_username())
    action = seen.filter(pk=min(action_id, 2**63 - 1)).first()
    if action is None:
        raise Http404("There is no such action.")
    context = {"progress": read_progress(action), "list": came_from(request)}
    return render(request, "supervisor/bulk/progress.html", context)


@require_POST
@guarded(*PERMISSIONS)
def stop(request: HttpRequest, action_id: int) -> HttpResponse:
    by, pk = request.user.get_username(), min(action_id, 2**63 - 1)
    if not actions_of(by).filter(pk=pk).exists() or stop_bulk(action_pk=pk, by=by) is None:
        raise Http404("There is no such action.")
    return redirect("supervisor:bulk", action_id=action_id)
