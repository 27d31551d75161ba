"""Who may open a page: the login, and the permission that each view needs."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache

View = Callable[..., HttpResponseBase]


def guarded(permission: str) -> Callable[[View], View]:
    """Send visitors to the login. Answer 403 to users who lack the permission."""

    def guard(view: View) -> View:
        # 403, not the login: the login sends users who are logged in already back, in a loop.
        checked = permission_required(permission, raise_exception=True)(view)
        # never_cache: after a logout, the browser's Back button must not show the page again.
        return wraps(view)(never_cache(login_required(checked)))

    return guard


def for_people(view: View) -> View:
    """Send visitors to the login. Every account may see this page."""
    return wraps(view)(never_cache(login_required(view)))


class LoginView(auth_views.LoginView):
    template_name = "supervisor/login.html"
    redirect_authenticated_user = True


def asked_for_at(request: HttpRequest) -> str:
    """Return the form's ``next`` path, or an empty string if it is not on this site."""
    target = request.POST.get("next", "")
    # Django's check accepts relative paths as well, and refuses "//host" and "/\host", which
    # browsers take for another site.
    is_ours = target.startswith("/") and url_has_allowed_host_and_scheme(target, allowed_hosts=None)
    return target if is_ours else ""
