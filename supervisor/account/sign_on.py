"""Signing on at the OpenID provider: the way there, the way back, and the logout."""

from __future__ import annotations

import logging
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, login
from django.contrib.auth import views as auth_views
from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from mozilla_django_oidc.views import (
    OIDCAuthenticationCallbackView,
    OIDCAuthenticationRequestView,
)

from calls.accounts.login_log import address_of
from calls.accounts.provider import (
    BadAnswer,
    ProviderDown,
    find_endpoints,
    logout_address,
)
from calls.accounts.sign_on import SignOnRefused

log = logging.getLogger("calls.logins")
STATES, NEXT = "oidc_states", "oidc_login_next"  # the library's, in the session
HINT = "id_token"  # in the session as well, for the logout
DOWN = (
    "Sign-on is not possible right now",
    "{label} does not respond. Try again in a minute. If it persists, tell your administrator.",
)
DOUBTFUL = (
    "Sign-on could not be verified",
    "The response from {label} could not be trusted. Start again, or tell your administrator.",
)
STALE = (
    "This sign-on is over",
    "It was started in another browser, took too long, or was used before. Start again.",
)
REFUSED = ("You cannot use this site", "{why}")
DECLINED = ("You were not signed on", "{label} ended the sign-on: {why}.")


class StartView(OIDCAuthenticationRequestView):  # type: ignore[misc]
    """Sends the browser to the provider."""

    def __init__(self, **options: Any) -> None:
        super(OIDCAuthenticationRequestView, self).__init__(**options)
        self.OIDC_RP_CLIENT_ID = settings.SIGN_ON.oidc.client_id

    @method_decorator(never_cache)
    def get(self, request: HttpRequest) -> Any:
        _must_be_on()
        try:
            self.OIDC_OP_AUTH_ENDPOINT = find_endpoints().authorization
        except ProviderDown as error:
            return _fail(request, DOWN, 503, reason=str(error))
        return super().get(request)


class CallbackView(OIDCAuthenticationCallbackView):  # type: ignore[misc]
    """Logs in a person who comes back with a code from the provider."""

    @method_decorator(never_cache)
    def get(self, request: HttpRequest) -> Any:
        _must_be_on()
        if "error" in request.GET:
            return self._decline(request)
        try:
            return super().get(request)
        except ProviderDown as error:
            return _fail(request, DOWN, 503, reason=str(error))
        except BadAnswer as error:
            return _fail(request, DOUBTFUL, 400, reason=str(error))
        except SignOnRefused as error:
            return _fail(request, REFUSED, 403, reason=str(error))
        except SuspiciousOperation:
            return self.login_failure()

    def login_failure(self) -> HttpResponse:
        return _fail(self.request, STALE, 400, reason="unknown state")

    def login_success(self) -> HttpResponse:
        target = self.request.session.pop(NEXT, None)
        login(self.request, self.user)
        self.request.session[HINT] = self.user.id_token
        return redirect(target or resolve_url("supervisor:board"))

    def _decline(self, request: HttpRequest) -> HttpResponse:
        states = request.session.get(STATES, {})
        if states.pop(request.GET.get("state", ""), None) is None:
            return self.login_failure()  # anybody can forge such a link
        request.session[STATES] = states
        why = request.GET.get("error_description") or request.GET["error"]
        return _fail(request, DECLINED, 403, reason=why[:300].rstrip("."))


class LogoutView(auth_views.LogoutView):
    """Logs out here, and then at the provider if the login came from there."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        away = _way_out(request)
        response = super().post(request, *args, **kwargs)
        if not away:
            return response
        # A page, because our policy lets no form lead to another site, not even by a redirect.
        context = {"away": away, "label": settings.SIGN_ON.oidc.label}
        return render(request, "supervisor/account/logged_out.html", context)


def _way_out(request: HttpRequest) -> str:
    """Return where the login continues at the provider, or nothing."""
    if request.session.get(BACKEND_SESSION_KEY) not in settings.SIGN_ON.elsewhere:
        return ""
    back = request.build_absolute_uri(reverse("supervisor:login"))
    return logout_address(id_token=request.session.get(HINT, ""), back=back)


def _must_be_on() -> None:
    if not settings.SIGN_ON.oidc.is_on:
        raise Http404


def _fail(
    request: HttpRequest, message: tuple[str, str], status: int, *, reason: str
) -> HttpResponse:
    """Answer with a page. The log has the reason as a literal: it may hold what anybody sent."""
    log.warning("failed sign-on from %s: %s: %.500r", address_of(request), message[0], reason)
    title, text = message
    context = {"title": title, "text": text.format(label=settings.SIGN_ON.oidc.label, why=reason)}
    return render(request, "supervisor/account/sign_on_failed.html", context, status=status)
