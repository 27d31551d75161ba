"""The wall screen, for people and for displays, and the address that signs a display in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import Error as DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from calls.audit.actors import Actor, Kind
from calls.audit.record import record_audit
from calls.displays import find_display, note_seen
from calls.models import AuditAction, Customers, DisplayScreen, WallPage
from calls.proxies import client_address
from calls.visibility import active, looking_with
from supervisor.access import guarded
from supervisor.wall import access
from supervisor.wall.floor import Floor, read_floor
from supervisor.wall.levels import read_thresholds
from supervisor.wall.options import Options, of_screen, read_address
from supervisor.wall.read_model import read_screen
from supervisor.wall.release import release

UNAVAILABLE = "The database does not respond. Open the address of the display again in a minute."


@require_safe
@never_cache
def open_display(request: HttpRequest, token: str) -> HttpResponse:
    """Sign a display in, and redirect it to an address without the token."""
    try:
        screen = find_display(token)
        if screen is not None:
            _audit(request, screen)
    except DatabaseError:
        # Not left to the handler of errors, which logs the address, and so the token.
        return _without_referrer(HttpResponse(UNAVAILABLE, "text/plain", 503))
    if screen is None:
        return _without_referrer(_refuse(request, 404, "unknown"))
    response = HttpResponseRedirect(reverse("supervisor:wall-display", args=[screen.pk]))
    access.sign_in(response, screen)
    return _without_referrer(response)


def _audit(request: HttpRequest, screen: DisplayScreen) -> None:
    actor = Actor(Kind.DISPLAY, str(screen), client_address(request))
    record_audit(AuditAction.SIGN_IN, object_kind="display", object_id=screen.pk, actor=actor)


@require_safe
@guarded(access.VIEW)
def show_wall(request: HttpRequest) -> HttpResponse:
    """The wall screen of a person, who chooses what it shows in the address."""
    return _show(request)


@require_safe
@never_cache
def show_display(request: HttpRequest, screen_id: int) -> HttpResponse:
    """The wall screen of a display. People who may see calls may see it, too."""
    screen = access.find_screen(request.COOKIES, screen_id)
    if screen is not None:
        note_seen(screen, at=timezone.now())
        response = _show(request, screen)
        access.sign_in(response, screen)
        return response
    if access.COOKIE in request.COOKIES and not request.user.is_authenticated:
        return _refuse(request, 403, "revoked")
    return _look_at(request, screen_id)  # type: ignore[return-value]


@guarded(access.VIEW)
def _look_at(request: HttpRequest, screen_id: int) -> HttpResponse:
    screen = DisplayScreen.objects.valid().filter(pk=screen_id).first()
    if screen is None:
        raise Http404
    return _show(request, screen)


def _show(request: HttpRequest, display: DisplayScreen | None = None) -> HttpResponse:
    base = of_screen(display) if display else None
    asked = read_address(request.GET, base)
    # A display shows what its settings say, no matter who is watching.
    sight = asked.options.sight if display else active()
    asked = replace(asked, options=replace(asked.options, sight=sight))
    now, thresholds = timezone.now(), read_thresholds()
    with looking_with(sight):
        floor = read_floor(now)
    zone = timezone.get_current_timezone()
    context = {
        "screen": read_screen(asked.options, floor, thresholds),
        "options": asked.options,
        "problems": asked.problems,
        "name": display.name if display else "Wall screen",
        "form": None if display else _form(asked.options, floor),
        "release": release(),
        "zone": zone.key if isinstance(zone, ZoneInfo) else settings.TIME_ZONE,
        "now": now,
    }
    return render(request, "supervisor/wall/page.html", context)


def _form(options: Options, floor: Floor) -> dict[str, Any]:
    """Return the choices of the form that makes an address."""
    known = {name for name, queue in floor.queues.items() if name and queue.is_in_use}
    return {
        "pages": [(name, label.partition(":")[0]) for name, label in WallPage.choices],
        "queues": sorted(known | set(options.queues), key=str.casefold),
        "customers": Customers.choices,
        "themes": DisplayScreen.Theme.choices,
    }


def _refuse(request: HttpRequest, status: int, reason: str) -> HttpResponse:
    return render(request, "supervisor/wall/refused.html", {"reason": reason}, status=status)


def _without_referrer(response: HttpResponse) -> HttpResponse:
    """Keep the token from whatever is loaded or opened next."""
    response["Referrer-Policy"] = "no-referrer"
    return response
