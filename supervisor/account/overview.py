"""A person's own account page: who they are here, how they log in, and where they are logged in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from calls.accounts.devices import name_device
from calls.accounts.second_factor import (
    count_recovery_codes,
    has_factor,
    is_factor_elsewhere,
    must_have_factor,
)
from calls.accounts.sessions import end_session, end_sessions
from calls.models import LoginSession
from supervisor.access import for_people


@dataclass(frozen=True)
class Login:
    """A row of the list of logins."""

    row: LoginSession
    is_here: bool

    @property
    def device(self) -> str:
        return name_device(self.row.user_agent)


@require_safe
@for_people
def show(request: HttpRequest) -> HttpResponse:
    user: Any = request.user
    context = {
        "groups": user.groups.order_by("name"),
        "has_factor": has_factor(user),
        "is_factor_elsewhere": is_factor_elsewhere(request.session),
        "is_factor_demanded": must_have_factor(user),
        "recovery_codes": count_recovery_codes(user),
        "logins": logins_of(user, here=request.session.session_key),
    }
    return render(request, "supervisor/account/overview.html", context)


def logins_of(user: Any, *, here: str | None) -> list[Login]:
    """Return where this person is logged in: here first, then by when it was last seen."""
    found = [Login(row, row.session_id == here) for row in LoginSession.objects.of(user)]
    return sorted(found, key=lambda login: not login.is_here)


@require_POST
@for_people
def end_one(request: HttpRequest, session_id: int) -> HttpResponse:
    if end_session(request.user, session_id):
        messages.success(request, "This login has ended.")
    else:
        messages.warning(request, "This login had already ended.")
    return redirect("supervisor:account")


@require_POST
@for_people
def end_others(request: HttpRequest) -> HttpResponse:
    ended = end_sessions(request.user, but=request.session.session_key)
    text = f"{ended} other login{'' if ended == 1 else 's'} ended."
    messages.success(request, text if ended else "You were not logged in anywhere else.")
    return redirect("supervisor:account")
