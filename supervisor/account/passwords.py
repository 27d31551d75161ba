"""The page on which people change their own password."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import password_validation
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from calls.accounts.passwords import change_password
from supervisor.access import for_people
from supervisor.account.forms import NewPasswordForm, OwnPasswordForm


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@for_people
def change(request: HttpRequest) -> HttpResponse:
    user: Any = request.user
    if not user.has_usable_password():
        return render(request, "supervisor/account/password.html", {"is_elsewhere": True})
    old, new = (
        (OwnPasswordForm(request, request.POST), NewPasswordForm(user, request.POST))
        if request.method == "POST"
        else (OwnPasswordForm(request), NewPasswordForm(user))
    )
    if request.method == "POST" and old.is_valid() and new.is_valid():
        ended = change_password(request, user=user, password=new.cleaned_data["new_password1"])
        messages.success(request, _done(ended))
        return redirect("supervisor:account")
    context = {
        "old": old,
        "new": new,
        "rules": password_validation.password_validators_help_texts(),
    }
    status = 400 if old.errors or new.errors else 200
    return render(request, "supervisor/account/password.html", context, status=status)


def _done(ended: int) -> str:
    return "Password changed." + (
        f" {ended} other login{' has' if ended == 1 else 's have'} ended." if ended else ""
    )
