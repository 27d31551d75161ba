"""The call page, its packet map and waveform, and the actions on a call."""

from __future__ import annotations

import logging
from base64 import b64encode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from calls.actions import ACTIONS, ON_PAGE, OPERATE, Action
from calls.analysis.recording.playback import NotHeardYet, read_waveform
from calls.annotations import known_tags
from calls.audit.record import record_look
from calls.holds.services import HoldRefused, NotHeld, OnHold, find_hold
from calls.keys import VIEW_UNREDACTED
from calls.models import Alert, AuditAction, Call, level_of
from calls.services import CallNotFound, NotPossible
from supervisor.access import Lacking, guarded
from supervisor.alerts.read_model import alerts_of
from supervisor.beside import calls_beside
from supervisor.call.actions import BadForm, actions_for, carry_out
from supervisor.call.highlight import Highlight
from supervisor.call.marks import read_marks
from supervisor.call.moments import comment_turns, flag_turns
from supervisor.call.packet_map import read_packet_map
from supervisor.call.read_model import read_call_page
from supervisor.call.sought_turn import mark_sought_turn
from supervisor.lists import came_from
from supervisor.live import position as live_position

log = logging.getLogger(__name__)


@require_safe
@guarded("calls.view_call")
def show_call(request: HttpRequest, call_id: str) -> HttpResponse:
    position = live_position.read_position()
    call = _call(call_id)
    may_unredact, redacted = _sight(request)
    if not redacted:
        # Reading personal data is logged, as the page says.
        log.info("%s reads call %s with personal data", request.user.get_username(), call_id)
        record_look(AuditAction.UNREDACTED, call_id=call_id)
    all_events = request.GET.get("events") == "all"
    highlight = Highlight.from_query(request.GET)
    page = read_call_page(call, redacted=redacted, all_events=all_events, highlight=highlight)
    alerts = alerts_of(call)
    mark_sought_turn(page.spoken, request.GET.get("t", ""))
    came_from_list = came_from(request)
    previous_call, next_call = calls_beside(call, came_from_list, me=request.user.get_username())
    notes = [note for note, _ in page.notes]
    flag_turns(page.spoken, alerts)
    comment_turns(page.spoken, notes)
    context = {
        "position": position,
        "page": page,
        "alerts": alerts,
        "open_now": [alert for alert in alerts if alert.is_open],
        "closed": [alert for alert in alerts if not alert.is_open],
        "worst": _worst(alerts),
        "marks": read_marks(alerts, notes, page.duration_ms),
        # Without a transcript, personal data in the audio cannot be muted.
        "is_playable": page.has_recording and bool(page.document or may_unredact),
        "call": call,
        "hold": find_hold(call),
        "list": came_from_list,
        "previous_call": previous_call,
        "next_call": next_call,
        "redacted": redacted,
        "all_events": all_events,
        "may_unredact": may_unredact,
        "actions": _offered(request, call),
        "tags": list(call.tags.all()),
        "known_tags": known_tags() if request.user.has_perm(OPERATE) else [],
    }
    name = "call/print.html" if request.GET.get("print") == "1" else "call.html"
    return render(request, f"supervisor/{name}", context)


@require_safe
@guarded("calls.view_call")
def show_packets(request: HttpRequest, call_id: str) -> HttpResponse:
    """The packet map, which the page of a long call fetches later because counting is slow."""
    call = _call(call_id)
    packet_map = read_packet_map(list(call.streams.order_by("pk")))
    context = {"call": call, "packet_map": packet_map}
    return render(request, "supervisor/call/packets.html", context)


@require_safe
@guarded("calls.view_call")
def show_waveform(request: HttpRequest, call_id: str) -> HttpResponse:
    """The waveform of each side of the recording, as JSON for the player."""
    call = _call(call_id)
    may_unredact, redacted = _sight(request)
    try:
        waveform = read_waveform(call, redacted=redacted)
    except NotHeardYet as error:
        if not may_unredact:
            raise Lacking(VIEW_UNREDACTED) from error
        # Personal data has not been looked for yet, so there is nothing to mute.
        waveform = read_waveform(call, redacted=False)
    if waveform is None:
        raise Http404("This call has no audio.")
    agent, customer = (b64encode(row.tobytes()).decode() for row in waveform.peaks)
    return JsonResponse(
        {"duration_ms": waveform.duration_ms, "peaks": {"agent": agent, "customer": customer}}
    )


def _worst(alerts: list[Alert]) -> str:
    """Return the level of the worst open alert, or an empty string."""
    return level_of(max((each.severity for each in alerts if each.is_open), default=0))


def _sight(request: HttpRequest) -> tuple[bool, bool]:
    """Return whether the user may see personal data, and whether this request hides it."""
    may_unredact = request.user.has_perm(VIEW_UNREDACTED)
    return may_unredact, not (may_unredact and request.GET.get("unredacted") == "1")


@require_http_methods(["GET", "POST"])
def act(request: HttpRequest, call_id: str, action: str) -> HttpResponseBase:
    """Ask for confirmation on GET, run the action on POST."""
    # The permission depends on the action, so the view cannot be decorated.
    wanted = ACTIONS[action]
    return guarded(wanted.permission)(_act)(request, call_id=call_id, wanted=wanted)


def _act(request: HttpRequest, call_id: str, wanted: Action) -> HttpResponse:
    if request.method == "GET":
        # The page asks in a dialog. This response is for browsers without JavaScript.
        context = {"call": _call(call_id), "action": wanted, "list": came_from(request)}
        return render(request, "supervisor/confirm.html", context)
    try:
        by = request.user.get_username()
        carry_out(wanted, call_id=call_id, by=by, form=request.POST)
    except CallNotFound as error:
        raise Http404(str(error)) from error
    except BadForm as error:
        return HttpResponseBadRequest(str(error), content_type="text/plain")
    # Not an error page: the call may have changed its state since the page was shown.
    except (NotPossible, HoldRefused, NotHeld, OnHold) as error:
        messages.error(request, f"Nothing was changed: {error}")
    else:
        messages.success(request, ON_PAGE[wanted.name].done)
        if wanted.removes:
            found = came_from(request)
            return redirect(found.address if found else reverse("supervisor:board"))
    return redirect(_address(request, call_id))


def _address(request: HttpRequest, call_id: str) -> str:
    """Return the address of the call page. It keeps the list that the request came from."""
    found = came_from(request)
    address = reverse("supervisor:call", args=[call_id])
    return f"{address}?{found.parameter}" if found else address


def _offered(request: HttpRequest, call: Call) -> list[Action]:
    return [each for each in actions_for(call) if request.user.has_perm(each.permission)]


def _call(call_id: str) -> Call:
    call = Call.objects.select_related("live").filter(call_id=call_id).first()
    if call is None:
        raise Http404(f"There is no call {call_id}.")
    return call
