"""The list of a person's saved views, and the forms that save, change and delete them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from calls.models import SavedView
from supervisor.access import asked_for_at, guarded
from supervisor.saved import services
from supervisor.saved.read_model import address_of


@require_http_methods(["GET", "HEAD", "POST"])
@guarded("calls.view_call")
def views(request: HttpRequest) -> HttpResponse:
    """The list; a POST saves a view."""
    if request.method == "POST":
        return _carry_out(request, "Saved as “{}”.", _save)
    own = SavedView.objects.filter(owner=request.user.pk).order_by("page", "name")
    listed = [(view, address_of(view)) for view in own]
    return render(request, "supervisor/saved/list.html", {"listed": listed})


@require_POST
@guarded("calls.view_call")
def change(request: HttpRequest, view_id: int) -> HttpResponse:
    return _carry_out(
        request,
        "“{}” changed.",
        lambda given: services.change_view(
            user_id=_id_of(given), view_id=view_id, name=_name(given), shared=_is_shared(given)
        ),
    )


@require_POST
@guarded("calls.view_call")
def delete(request: HttpRequest, view_id: int) -> HttpResponse:
    return _carry_out(
        request,
        "“{}” deleted.",
        lambda given: services.delete_view(user_id=_id_of(given), view_id=view_id),
    )


def _save(request: HttpRequest) -> SavedView:
    return services.save_view(
        user_id=_id_of(request),
        page=request.POST.get("page", ""),
        name=_name(request),
        query=request.POST.get("query", "").replace("\0", ""),
        shared=_is_shared(request),
    )


def _carry_out(
    request: HttpRequest, done: str, act: Callable[[HttpRequest], SavedView]
) -> HttpResponse:
    """Do it, say so or why not, and go back to the page that the form was on."""
    try:
        messages.success(request, done.format(act(request).name))
    except services.ViewRefused as refusal:
        messages.error(request, str(refusal))
    return redirect(asked_for_at(request) or "supervisor:views")


def _id_of(request: HttpRequest) -> int:
    pk: Any = request.user.pk  # these pages are for people who are logged in
    return int(pk)


def _name(request: HttpRequest) -> str:
    return request.POST.get("name", "")


def _is_shared(request: HttpRequest) -> bool:
    return request.POST.get("shared") == "on"
