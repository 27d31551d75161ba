"""The list of alerts, and acknowledging one, several or all that match."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from calls.actions import ACTIONS
from calls.alerts.services import AlertNotFound, acknowledge_alert, acknowledge_alerts
from supervisor.access import asked_for_at, guarded
from supervisor.alerts.read_model import AlertSelection, disabled_webhooks, numbers_of, read_alerts
from supervisor.live.position import read_position

BULK_LIMIT = 500


@require_safe
@guarded("calls.view_call")
def show_alerts(request: HttpRequest) -> HttpResponse:
    # First: an alert raised while the list is read then reaches the page through the feed.
    position = read_position()
    context = {
        "position": position,
        "now": timezone.now(),
        "page": read_alerts(AlertSelection.from_query(request.GET)),
        "disabled": disabled_webhooks() if request.user.is_staff else [],
        "bulk_limit": BULK_LIMIT,
    }
    return render(request, "supervisor/alerts.html", context)


@require_POST
@guarded(ACTIONS["acknowledge"].permission)
def acknowledge(request: HttpRequest, alert_id: int) -> HttpResponse:
    """Acknowledge an alert, and return to the page that the form was on."""
    by = request.user.get_username()
    try:
        alert, is_first = acknowledge_alert(alert_id=alert_id, by=by, note=_note(request))
    except AlertNotFound as error:
        raise Http404(str(error)) from error
    # Two supervisors see the same alert. A second click of the same one needs no message.
    if not is_first and alert.acknowledged_by != by:
        who = alert.acknowledged_by or "Someone"
        messages.info(request, f"{who} already acknowledged “{alert.name}”.")
    return _back(request)


@require_POST
@guarded(ACTIONS["acknowledge"].permission)
def acknowledge_many(request: HttpRequest) -> HttpResponse:
    """Acknowledge the selected alerts, or all that matched the filter when the page was read."""
    numbers = _numbers(request.POST)
    count = acknowledge_alerts(
        alert_ids=numbers, by=request.user.get_username(), note=_note(request)
    )
    if numbers:
        messages.success(request, f"{count} acknowledged.")
    else:
        messages.info(request, "Select at least one alert.")
    return _back(request)


def _numbers(form: QueryDict) -> list[int]:
    if form.get("every") == "1":
        up_to = form.get("up_to", "")
        newest = int(up_to) if up_to.isdecimal() and len(up_to) < 19 else 0
        # The filter of the page that the user saw, not of the address that the form is sent to.
        wanted = AlertSelection.from_query(QueryDict(form.get("filter", "")))
        return numbers_of(wanted, up_to=newest, limit=BULK_LIMIT)
    chosen = [text for text in form.getlist("alert") if text.isdecimal() and len(text) < 19]
    return [int(text) for text in chosen[:BULK_LIMIT]]


def _note(request: HttpRequest) -> str:
    return request.POST.get("note", "").replace("\0", "").strip()


def _back(request: HttpRequest) -> HttpResponseRedirect:
    return redirect(asked_for_at(request) or "supervisor:alerts")
