"""Who may open a page: the permission that each view needs."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache

from calls.api import errors
from calls.visibility import is_alert_in_sight, is_in_sight, looking_as

View = Callable[..., HttpResponseBase]
ADMINISTRATORS_SHOWN = 3


class Lacking(PermissionDenied):
    """The account lacks this permission."""

    def __init__(self, permission: str) -> None:
        super().__init__(permission)
        self.permission = permission


def guarded(*permissions: str) -> Callable[[View], View]:
    """Send visitors to the login. Return 403 to users who have none of these permissions."""

    def guard(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            # Not the login: it sends users who are logged in already back, in a loop.
            if not any(map(request.user.has_perm, permissions)):
                raise Lacking(permissions[0])
            with looking_as(request.user):
                _check_sight(kwargs)
                return view(request, *args, **kwargs)

        # never_cache: after a logout, the browser's Back button must not show the page again.
        return wraps(view)(never_cache(login_required(checked)))

    return guard


def _check_sight(kwargs: dict[str, Any]) -> None:
    """Return 404 for a call or an alert out of sight, as if it did not exist."""
    if "call_id" in kwargs and not is_in_sight(kwargs["call_id"]):
        raise Http404(f"There is no call {kwargs['call_id']}.")
    if "alert_id" in kwargs and not is_alert_in_sight(kwargs["alert_id"]):
        raise Http404(f"There is no alert {kwargs['alert_id']}.")


def for_people(view: View) -> View:
    """Send visitors to the login. Every account may see this page."""

    @wraps(view)
    def seen(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with looking_as(request.user):
            return view(request, *args, **kwargs)

    return wraps(view)(never_cache(login_required(seen)))


def explain_refusal(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return 403: what is missing, which groups have it, and whom to ask."""
    if errors.is_api(request):
        return errors.permission_denied(request, exception)
    wanted = exception.permission if isinstance(exception, Lacking) else ""
    is_known = wanted and request.user.is_authenticated
    context = {"wanted": _permission(wanted) if is_known else None, "ask": _administrators()}
    return render(request, "403.html", context, status=403)


def _permission(wanted: str) -> dict[str, Any]:
    app, _, codename = wanted.partition(".")
    held = Q(permissions__content_type__app_label=app, permissions__codename=codename)
    found = Permission.objects.filter(content_type__app_label=app, codename=codename).first()
    return {
        "name": wanted,
        "meaning": found.name if found else "",
        "groups": list(Group.objects.filter(held).order_by("name").values_list("name", flat=True)),
    }


def _administrators() -> list[str]:
    found = User.objects.filter(is_superuser=True, is_active=True).order_by("pk")
    return [each.get_full_name() or each.username for each in found[:ADMINISTRATORS_SHOWN]]


def asked_for_at(request: HttpRequest) -> str:
    """Return the form's ``next`` path, or an empty string if it is not on this site."""
    target = request.POST.get("next", "")
    # Django's check accepts relative paths as well, and refuses "//host" and "/\host", which
    # browsers take for another site.
    is_ours = target.startswith("/") and url_has_allowed_host_and_scheme(target, allowed_hosts=None)
    return target if is_ours else ""
