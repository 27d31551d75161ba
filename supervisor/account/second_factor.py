"""The pages that set up a second factor, renew its recovery codes, and turn it off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import django_otp
import segno
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from calls.accounts.second_factor import (
    Secret,
    WrongCode,
    has_factor,
    is_factor_elsewhere,
    must_have_factor,
    new_key,
    renew_recovery_codes,
    set_up_factor,
    take_factor_away,
)
from calls.accounts.sessions import end_sessions
from supervisor.access import for_people
from supervisor.account.forms import CodeForm, OwnPasswordForm
from supervisor.account.login import complete, held_user, start_again

KEY = "second_factor_key"  # in the session until a code has confirmed it
methods = require_http_methods(["GET", "HEAD", "POST"])


@sensitive_post_parameters()
@methods
@for_people
def set_up(request: HttpRequest) -> HttpResponse:
    """Set up a factor on one's own account. The other logins, which had none, end."""
    user: Any = request.user
    if is_factor_elsewhere(request.session):
        messages.warning(request, "You sign on elsewhere. A second factor here would not be used.")
        return redirect("supervisor:account")
    if has_factor(user):
        messages.warning(request, "Your second factor is on. Turn it off to set up another one.")
        return redirect("supervisor:account")

    def start(device: Any) -> str:
        django_otp.login(request, device)
        end_sessions(user, but=request.session.session_key)
        return "supervisor:account"

    return _set_up(request, user, start)


@sensitive_post_parameters()
@methods
@never_cache
def set_up_at_login(request: HttpRequest) -> HttpResponse:
    """Set up the factor that the site requires before it lets this person in."""
    user = held_user(request)
    if user is None or has_factor(user):
        return start_again(request)
    return _set_up(request, user, lambda device: complete(request, user, device))


def _set_up(request: HttpRequest, user: Any, start: Callable[[Any], str]) -> HttpResponse:
    key = request.session.setdefault(KEY, new_key())
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            device, codes = set_up_factor(user=user, key=key, code=form.cleaned_data["code"])
        except WrongCode as error:
            form.add_error("code", str(error))
        else:
            del request.session[KEY]
            return _show_codes(request, codes, target=start(device))
    secret = Secret(key, user.get_username())
    context = {
        "form": form,
        "secret": secret,
        "qr": draw(secret.address),
        "is_demanded": must_have_factor(user),
    }
    status = 400 if form.errors else 200
    return render(request, "supervisor/account/set_up.html", context, status=status)


@sensitive_post_parameters()
@methods
@for_people
def renew_codes(request: HttpRequest) -> HttpResponse:
    if not has_factor(request.user):
        return _is_off(request)
    form = OwnPasswordForm(request, request.POST or None)
    if request.method == "POST" and form.is_valid():
        return _show_codes(request, renew_recovery_codes(request.user), target="supervisor:account")
    return _ask_password(request, form, is_renewal=True)


@sensitive_post_parameters()
@methods
@for_people
def turn_off(request: HttpRequest) -> HttpResponse:
    user: Any = request.user
    if not has_factor(user):
        return _is_off(request)
    if must_have_factor(user):
        messages.error(request, "This site requires a second factor for your account. It stays on.")
        return redirect("supervisor:account")
    form = OwnPasswordForm(request, request.POST or None)
    if request.method == "POST" and form.is_valid():
        take_factor_away(user, by=user)
        request.session.pop(django_otp.DEVICE_ID_SESSION_KEY, None)
        messages.success(request, "Second factor turned off.")
        return redirect("supervisor:account")
    return _ask_password(request, form)


def _is_off(request: HttpRequest) -> HttpResponse:
    messages.warning(request, "Your second factor is off.")
    return redirect("supervisor:account")


def _ask_password(
    request: HttpRequest, form: OwnPasswordForm, *, is_renewal: bool = False
) -> HttpResponse:
    context = {"form": form, "is_renewal": is_renewal}
    status = 400 if form.errors else 200
    return render(request, "supervisor/account/own_password.html", context, status=status)


def _show_codes(request: HttpRequest, codes: list[str], *, target: str) -> HttpResponse:
    lines = [f"Recovery codes of {request.user.get_username()} for callcenter", "", *codes, ""]
    context = {"codes": codes, "file": "\n".join(lines), "target": resolve_url(target)}
    # The response itself, without a redirect: the codes are kept nowhere in between.
    return render(request, "supervisor/account/recovery_codes.html", context)


def draw(text: str) -> SafeString:
    """Return a QR code as an SVG without styles, which the content security policy would drop."""
    code = segno.make_qr(text, error="m")
    # Black on white in the dark theme as well: many apps read no other.
    # Without a size it has a viewBox, so that the stylesheet scales it instead of cutting it off.
    svg: str = code.svg_inline(border=3, light="#fff", svgclass="qr", lineclass=None, omitsize=True)
    return mark_safe(svg)  # noqa: S308 (it holds squares, not the text)
