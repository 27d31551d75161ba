"""The pages. A view translates and calls one function of a read model, or one service."""

from __future__ import annotations

import logging
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from functools import wraps

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_required, permission_required
from django.core.exceptions import PermissionDenied
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
    JsonResponse,
)
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from calls.analysis.playback import NotHeardYet, read_waveform
from calls.analysis.standing import read_standing
from calls.annotations import known_tags
from calls.api import downloads
from calls.models import Call
from calls.services import CallNotFound, NotPossible
from supervisor import board
from supervisor.actions import ACTIONS, Action, BadForm, actions_for
from supervisor.alerts import alerts_of
from supervisor.bulk import MEANINGS
from supervisor.call_page import read_call_page
from supervisor.figures import read_figures
from supervisor.highlight import Highlight
from supervisor.history import read_history
from supervisor.moment import mark_moment
from supervisor.packet_map import read_packet_map
from supervisor.selection import NEWEST, PAGE_SIZES, WORST_FIRST, Filter

log = logging.getLogger(__name__)

View = Callable[..., HttpResponseBase]


def guarded(permission: str) -> Callable[[View], View]:
    """Send visitors to the login; 403 for those who are logged in and lack the permission."""

    def guard(view: View) -> View:
        checked = permission_required(permission, raise_exception=True)(view)
        return wraps(view)(never_cache(login_required(checked)))

    return guard


class LoginView(auth_views.LoginView):
    template_name = "supervisor/login.html"
    redirect_authenticated_user = True


@require_safe
@guarded("calls.view_call")
def show_board(request: HttpRequest) -> HttpResponse:
    wanted, standing = Filter.from_query(request.GET), read_standing()
    position, figures = board.read_position(), read_figures(standing)
    context = {
        "position": position,
        "wanted": wanted,
        "tabs": board.tabs(wanted, figures),
        "sizes": PAGE_SIZES,
        "headings": board.headings(wanted),
        "choices": board.read_choices(wanted),
        "standing": standing,
        "bulk_kinds": [(kind.value, meaning.title) for kind, meaning in MEANINGS.items()],
        "figures": figures,
        "history": read_history(),
        "page": board.read_page(wanted),
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
    """The rows of the calls that ``id`` names, as far as the filter wants them; or a whole page."""
    wanted = Filter.from_query(request.GET)
    if "id" in request.GET:
        page = board.Page(board.read_rows(request.GET.getlist("id"), wanted), "")
    else:
        page = board.read_page(wanted)
    context = {"page": page, "wanted": wanted, "first": wanted.first_page().address()}
    return render(request, "supervisor/_rows.html", context)


@require_safe
@guarded("calls.view_call")
def show_table(request: HttpRequest) -> HttpResponseBase:
    """All calls that the filter leaves, as CSV, newest first."""
    return downloads.table(Filter.from_query(request.GET).apply(Call.objects.all()))


@require_safe
@guarded("calls.view_call")
def show_standing(request: HttpRequest) -> HttpResponse:
    return render(request, "supervisor/_standing.html", {"standing": read_standing()})


@require_safe
@guarded("calls.view_call")
def show_history(request: HttpRequest) -> HttpResponse:
    return render(request, "supervisor/_history.html", {"history": read_history()})


@require_safe
@guarded("calls.view_call")
def show_call(request: HttpRequest, call_id: str) -> HttpResponse:
    position = board.read_position()
    call = _call(call_id)
    may_unredact, redacted = _sight(request)
    if not redacted:
        log.info("%s reads call %s with personal data", request.user.get_username(), call_id)
    all_events = request.GET.get("events") == "all"
    highlight = Highlight.from_query(request.GET)
    page = read_call_page(call, redacted=redacted, all_events=all_events, highlight=highlight)
    mark_moment(page.turns, request.GET.get("t", ""))
    context = {
        "position": position,
        "page": page,
        "alerts": alerts_of(call),
        # Until there is a transcript nobody knows what is personal in the audio.
        "is_playable": page.has_recording and bool(page.document or may_unredact),
        "call": call,
        "redacted": redacted,
        "may_unredact": may_unredact,
        "actions": _offered(request, call),
        "tags": list(call.tags.all()),
        "known_tags": known_tags() if request.user.has_perm("calls.operate_call") else [],
    }
    return render(request, "supervisor/call.html", context)


@require_safe
@guarded("calls.view_call")
def show_packets(request: HttpRequest, call_id: str) -> HttpResponse:
    """The packet map of a call, which takes its time if the call is long."""
    call = _call(call_id)
    packet_map = read_packet_map(list(call.streams.order_by("pk")))
    context = {"call": call, "packet_map": packet_map}
    return render(request, "supervisor/call/packets.html", context)


@require_safe
@guarded("calls.view_call")
def show_waveform(request: HttpRequest, call_id: str) -> HttpResponse:
    """How loud each side of the recording is, for the player to draw."""
    call = _call(call_id)
    may_unredact, redacted = _sight(request)
    try:
        waveform = read_waveform(call, redacted=redacted)
    except NotHeardYet as error:
        if not may_unredact:
            raise PermissionDenied from error
        waveform = read_waveform(call, redacted=False)
    if waveform is None:
        raise Http404("This call has no audio.")
    agent, customer = (b64encode(row.tobytes()).decode() for row in waveform.peaks)
    return JsonResponse(
        {"duration_ms": waveform.duration_ms, "peaks": {"agent": agent, "customer": customer}}
    )


def _sight(request: HttpRequest) -> tuple[bool, bool]:
    """Return whether the visitor may see personal data, and whether it is to be hidden now."""
    may_unredact = request.user.has_perm("calls.view_unredacted")
    return may_unredact, not (may_unredact and request.GET.get("unredacted") == "1")


@require_http_methods(["GET", "POST"])
@guarded("calls.operate_call")
def act(request: HttpRequest, call_id: str, action: str) -> HttpResponse:
    """Ask on GET, do it on POST."""
    wanted = ACTIONS[action]
    if request.method == "GET":
        context = {"call": _call(call_id), "action": wanted}
        return render(request, "supervisor/confirm.html", context)
    try:
        wanted.run(call_id, request.user.get_username(), request.POST)
    except CallNotFound as error:
        raise Http404(str(error)) from error
    except BadForm as error:
        return HttpResponseBadRequest(str(error), content_type="text/plain")
    except NotPossible as error:
        messages.error(request, f"Nothing was done: {error}")
    else:
        messages.success(request, wanted.done)
    return redirect("supervisor:call", call_id=call_id)


def asked_for_at(request: HttpRequest) -> str:
    """Return the page of ours that a form was sent from, or an empty string."""
    target = request.POST.get("next", "")
    is_ours = target.startswith("/") and url_has_allowed_host_and_scheme(target, allowed_hosts=None)
    return target if is_ours else ""


def _offered(request: HttpRequest, call: Call) -> list[Action]:
    return actions_for(call) if request.user.has_perm("calls.operate_call") else []


def _call(call_id: str) -> Call:
    call = Call.objects.filter(call_id=call_id).first()
    if call is None:
        raise Http404(f"There is no call {call_id}.")
    return call
