"""The pages for people who have forgotten their password."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth import password_validation
from django.contrib.auth.views import INTERNAL_RESET_SESSION_TOKEN, PasswordResetConfirmView
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from calls.accounts.login_log import address_of
from calls.accounts.passwords import set_password
from calls.accounts.reset import ask_reset, is_reset_offered, of_visitors
from supervisor.account.forms import NewPasswordForm

PAGE = "supervisor/account/forgotten.html"


class EmailForm(forms.Form):
    email = forms.EmailField(
        max_length=254,
        error_messages={
            "required": "Enter your e-mail address.",
            "invalid": "Enter an e-mail address such as ana@example.com.",
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def ask(request: HttpRequest) -> HttpResponse:
    if not is_reset_offered():
        raise Http404
    form = EmailForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return render(request, PAGE, {"form": form}, status=400 if form.errors else 200)
    if not of_visitors.take(address_of(request) or ""):
        return _slow_down(request, form)
    ask_reset(form.cleaned_data["email"])
    return render(request, PAGE, {"is_sent": True})


def _slow_down(request: HttpRequest, form: EmailForm) -> HttpResponse:
    response = render(request, PAGE, {"form": form, "is_too_often": True}, status=429)
    response["Retry-After"] = "3600"
    return response


class ResetView(PasswordResetConfirmView):
    """Sets the password. The token moves from the address into the session before the form."""

    form_class = NewPasswordForm
    template_name = "supervisor/account/reset.html"

    def dispatch(self, *args: Any, **kwargs: Any) -> Any:
        if not is_reset_offered():
            raise Http404
        return super().dispatch(*args, **kwargs)

    def get_user(self, uidb64: str) -> Any:
        user = super().get_user(uidb64)
        # People without a password here sign on elsewhere.
        return user if user and user.is_active and user.has_usable_password() else None

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        rules = password_validation.password_validators_help_texts()
        return super().get_context_data(**more) | {"rules": rules}

    def form_valid(self, form: Any) -> HttpResponse:
        set_password(user=form.user, password=form.cleaned_data["new_password1"])
        del self.request.session[INTERNAL_RESET_SESSION_TOKEN]
        messages.success(self.request, "Password changed. Log in with the new one.")
        return redirect("supervisor:login")
