"""The login: the password, then a code, or the set-up of a second factor that the site requires.

Between the two, a session knows who gave the password, and grants nothing.
"""

from __future__ import annotations

import time
from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from axes.helpers import get_lockout_response
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import load_backend, login
from django.contrib.auth import views as auth_views
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from calls.accounts.login_log import tell_failure
from calls.accounts.reset import is_reset_offered
from calls.accounts.second_factor import (
    RECOVERY,
    WrongCode,
    check_code,
    count_recovery_codes,
    has_factor,
    must_have_factor,
)
from supervisor.account.forms import DOWN, REFUSED, CodeForm, LoginForm

PENDING = "pending_login"
PENDING_S = 600
STATUS = {DOWN: 503, REFUSED: 403}  # a wrong password gets 200, as in Django


class LoginView(auth_views.LoginView):
    template_name = "supervisor/login.html"
    authentication_form = LoginForm
    redirect_authenticated_user = True

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        oidc, directory = settings.SIGN_ON.oidc, settings.SIGN_ON.directory
        offered = {
            "sign_on": oidc.label if oidc.is_on else "",
            "directory": directory.label if directory.is_on else "",
            "is_reset_offered": is_reset_offered(),
            "is_password_rare": bool(settings.SIGN_ON.local_passwords) and not directory.is_on,
        }
        return super().get_context_data(**more) | offered

    def form_valid(self, form: Any) -> HttpResponse:
        user = form.get_user()
        step = next_step(user, user.backend)
        if step is None:
            return super().form_valid(form)
        hold(self.request, user, backend=user.backend, target=self.get_redirect_url())
        return redirect(step)

    def form_invalid(self, form: Any) -> HttpResponse:
        response = super().form_invalid(form)
        codes = [error.code for error in form.non_field_errors().as_data()]
        response.status_code = next((STATUS[code] for code in codes if code in STATUS), 200)
        return response


def next_step(user: Any, backend: str) -> str | None:
    """Return the page that completes a login after the password, or None if nothing is left."""
    if backend in settings.SIGN_ON.elsewhere:
        return None
    if has_factor(user):
        return "supervisor:login-code"
    return "supervisor:login-set-up" if must_have_factor(user) else None


def hold(request: HttpRequest, user: Any, *, backend: str, target: str) -> None:
    """Remember who gave the right password, for a while."""
    request.session.cycle_key()
    request.session[PENDING] = {
        "user": user.pk,
        "hash": user.get_session_auth_hash(),
        "backend": backend,
        "at": time.time(),
        "target": target,
    }


def held_user(request: HttpRequest) -> Any:
    """Return who gave the right password, or None if that was too long ago or never."""
    held = request.session.get(PENDING)
    if held is None or time.time() - held["at"] > PENDING_S:
        return None
    user = load_backend(held["backend"]).get_user(held["user"])
    # The password may have changed meanwhile.
    if user is None or not constant_time_compare(held["hash"], user.get_session_auth_hash()):
        return None
    return user


def complete(request: HttpRequest, user: Any, device: Any) -> str:
    """Log in the person who gave the password, with this device. Return where to go."""
    held = request.session.pop(PENDING)
    user.otp_device = device  # django-otp puts it into the session
    login(request, user, backend=held["backend"])
    return resolve_url(held["target"] or "supervisor:board")


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def ask_code(request: HttpRequest) -> HttpResponse:
    user = held_user(request)
    if user is None:
        return start_again(request)
    who = {"username": user.get_username()}
    if not AxesProxyHandler.is_allowed(request, who):
        refusal: HttpResponse = get_lockout_response(request, who)
        return refusal
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            device = check_code(user, form.cleaned_data["code"])
        except WrongCode as error:
            form.add_error("code", str(error))
            tell_failure(request, user.get_username(), "wrong code")
        else:
            return _welcome(request, user, device)
    status = 400 if form.errors else 200
    return render(request, "supervisor/account/code.html", {"form": form}, status=status)


def _welcome(request: HttpRequest, user: Any, device: Any) -> HttpResponse:
    target = complete(request, user, device)
    if device.name == RECOVERY:
        left = count_recovery_codes(user)
        codes = f"{left} recovery code{'' if left == 1 else 's'}"
        messages.warning(request, f"You have {codes} left. Create new ones on your account page.")
    return redirect(target)


def start_again(request: HttpRequest) -> HttpResponse:
    request.session.pop(PENDING, None)
    messages.warning(request, "The login was not completed in time. Log in again.")
    return redirect("supervisor:login")
