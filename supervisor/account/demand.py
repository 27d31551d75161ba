"""Sends people whose login lacks a required second factor to the page that completes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, sync_to_async
from channels.middleware import BaseMiddleware
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.decorators import sync_and_async_middleware

from calls.accounts.second_factor import proven_user
from supervisor.account.login import hold, next_step
from supervisor.account.middleware import PAGES


@sync_and_async_middleware
def demand_middleware(get_response: Callable[[HttpRequest], Any]) -> Callable[..., Any]:
    if iscoroutinefunction(get_response):

        async def answer_async(request: HttpRequest) -> Any:
            found = await sync_to_async(_send_away)(request) if _is_asked(request) else None
            return found or await get_response(request)

        return answer_async

    def answer(request: HttpRequest) -> Any:
        found = _send_away(request) if _is_asked(request) else None
        return found or get_response(request)

    return answer


def _is_asked(request: HttpRequest) -> bool:
    # Programs send no cookie, so their packets do not wait for a query.
    return settings.SECOND_FACTOR != "optional" and settings.SESSION_COOKIE_NAME in request.COOKIES


def _send_away(request: HttpRequest) -> HttpResponse | None:
    """Treat a login without the factor as no login. Return where a page redirects it."""
    user = request.user
    request.user = proven_user(user, request.session)
    if request.user.is_authenticated or not user.is_authenticated:
        return None
    if not request.path_info.startswith(PAGES):
        return None
    backend = request.session[BACKEND_SESSION_KEY]
    logout(request)
    target = request.get_full_path() if request.method == "GET" else ""
    hold(request, user, backend=backend, target=target)
    return redirect(next_step(user, backend) or "supervisor:login")


class ProvenLogin(BaseMiddleware):
    """The same for WebSockets."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        proven: Any = {**scope, "user": proven_user(scope["user"], scope["session"])}
        return await super().__call__(proven, receive, send)
