"""Activates the sender's preferences and time zone during a request, for pages only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.decorators import sync_and_async_middleware

from calls.accounts.sessions import touch_session
from calls.models import Preferences
from calls.reports.period import zone_names
from supervisor import preferences

# Not the API, where packets arrive: it serves programs, and must not wait for another query.
PAGES = (f"{settings.PATH_PREFIX}/supervisor/", f"{settings.PATH_PREFIX}/admin/")


@sync_and_async_middleware
def preferences_middleware(get_response: Callable[[HttpRequest], Any]) -> Callable[..., Any]:
    if iscoroutinefunction(get_response):

        async def answer_async(request: HttpRequest) -> Any:
            if not request.path_info.startswith(PAGES):
                return await get_response(request)
            # The context of the thread returns to this task, and is passed to the view from here.
            await sync_to_async(_activate)(request)
            try:
                return await get_response(request)
            finally:
                _deactivate()

        return answer_async

    def answer(request: HttpRequest) -> Any:
        if not request.path_info.startswith(PAGES):
            return get_response(request)
        _activate(request)
        try:
            return get_response(request)
        finally:
            _deactivate()

    return answer


def _activate(request: HttpRequest) -> None:
    if not request.user.is_authenticated:
        return
    touch_session(request)
    found = Preferences.objects.filter(pk=request.user.pk).first()
    if found is None:
        return
    preferences.activate(found)
    # A zone may be gone after an update of the system.
    if found.time_zone in zone_names():
        timezone.activate(ZoneInfo(found.time_zone))


def _deactivate() -> None:
    preferences.deactivate()
    timezone.deactivate()
