"""The list of alerts, and what people do with one of them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from calls.actions import ACTIONS
from calls.alerts.handling import (
    AlertClosed,
    AssignedMeanwhile,
    BadSnooze,
    CannotHandle,
    assign_alert,
    handlers,
    reopen_alert,
    snooze_alert,
)
from calls.alerts.services import AlertNotFound, acknowledge_alert
from supervisor.access import asked_for_at, guarded
from supervisor.alerts import undo
from supervisor.alerts.read_model import disabled_webhooks, read_alerts
from supervisor.alerts.selection import LEVELS, AlertSelection, read_offers
from supervisor.alerts.snoozing import read_until
from supervisor.alerts.trends import read_trends
from supervisor.lists import List
from supervisor.live.position import read_position

HANDLE = ACTIONS["acknowledge"].permission


@require_safe
@guarded("calls.view_call")
def show_alerts(request: HttpRequest) -> HttpResponse:
    # First: an alert raised while the list is read then reaches the page through the feed.
    position = read_position()
    offers = read_offers()
    wanted = AlertSelection.from_query(request.GET, me=request.user.get_username(), offers=offers)
    may_handle = request.user.has_perm(HANDLE)
    context = {
        "position": position,
        "now": timezone.now(),
        "page": read_alerts(wanted, offers),
        "levels": LEVELS,
        "handlers": list(handlers().values_list("username", flat=True)) if may_handle else [],
        "undo": undo.offer(request),
        "disabled": disabled_webhooks() if request.user.is_staff else [],
        "list_parameter": List(request.GET.urlencode(), "alerts").parameter,
    }
    return render(request, "supervisor/alerts.html", context)


@require_safe
@guarded("calls.view_call")
def show_trends(request: HttpRequest) -> HttpResponse:
    """How many alerts each rule raised, by day."""
    return render(request, "supervisor/alerts/trends.html", {"trends": read_trends()})


@require_POST
@guarded(HANDLE)
def acknowledge(request: HttpRequest, alert_id: int) -> HttpResponse:
    """Acknowledge an alert, and return to the page that the form was on."""
    by, now = request.user.get_username(), timezone.now()
    try:
        alert, is_first = acknowledge_alert(alert_id=alert_id, by=by, note=note_of(request), at=now)
    except AlertNotFound as error:
        raise Http404(str(error)) from error
    if is_first:
        undo.remember(request, [alert.pk], name=alert.name, at=now)
    # Two supervisors see the same alert. A second click by the same one needs no message.
    elif alert.acknowledged_by != by:
        who = alert.acknowledged_by or "Someone"
        messages.info(request, f"{who} already acknowledged “{alert.name}”.")
    return back(request)


@require_POST
@guarded(HANDLE)
def undo_acknowledge(request: HttpRequest) -> HttpResponse:
    count = undo.take_back(request)
    if count is None:
        messages.info(request, "Too late to undo. Reopen the alerts under Acknowledged.")
    return back(request)


@require_POST
@guarded(HANDLE)
def assign(request: HttpRequest, alert_id: int) -> HttpResponse:
    """Assign an alert to the user of the form, or to nobody if it is empty."""
    by, form = request.user.get_username(), request.POST
    try:
        assign_alert(
            alert_id=alert_id,
            to=form.get("to", "").replace("\0", "").strip(),
            by=by,
            instead_of=form.get("instead_of"),
        )
    except AssignedMeanwhile as error:
        messages.info(request, f"{error} took it in the meantime." if str(error) else GIVEN_UP)
    except CannotHandle as error:
        messages.error(request, str(error))
    except (AlertNotFound, AlertClosed) as error:
        _tell(request, error)
    return back(request)


GIVEN_UP = "It was given up in the meantime."


@require_POST
@guarded(HANDLE)
def snooze(request: HttpRequest, alert_id: int) -> HttpResponse:
    """Snooze an alert for some minutes, or until a time of day."""
    try:
        until = read_until(request.POST, now=timezone.now())
        snooze_alert(alert_id=alert_id, until=until, by=request.user.get_username())
    except BadSnooze as error:
        messages.error(request, str(error))
    except (AlertNotFound, AlertClosed) as error:
        _tell(request, error)
    return back(request)


@require_POST
@guarded(HANDLE)
def reopen(request: HttpRequest, alert_id: int) -> HttpResponse:
    try:
        reopen_alert(alert_id=alert_id, by=request.user.get_username())
    except (AlertNotFound, AlertClosed) as error:
        _tell(request, error)
    return back(request)


def _tell(request: HttpRequest, error: Any) -> None:
    """Say that an alert cannot be changed: it is gone, or somebody else was faster."""
    if isinstance(error, AlertNotFound):
        raise Http404(str(error)) from error
    messages.info(request, str(error))


def note_of(request: HttpRequest) -> str:
    return request.POST.get("note", "").replace("\0", "").strip()


def back(request: HttpRequest) -> HttpResponseRedirect:
    return redirect(asked_for_at(request) or "supervisor:alerts")
