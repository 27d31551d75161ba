"""Who sends a request, and what their key or login permits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.conf import settings
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.status import HTTP_403_FORBIDDEN, HTTP_429_TOO_MANY_REQUESTS

from calls.api.throttling import TooMany
from calls.keys import (
    PERMISSIONS,
    VIEW_UNREDACTED,
    ApiClient,
    KeyRefused,
    admit,
    key_from_headers,
)
from calls.keys.origins import is_same_origin
from calls.models import ApiKey

if TYPE_CHECKING:
    from rest_framework.views import APIView


class ApiKeyAuthentication(BaseAuthentication):
    """``Authorization: Bearer KEY`` or ``X-API-Key: KEY``."""

    def authenticate(self, request: Request) -> tuple[Any, str] | None:
        plain = key_from_headers(
            request.headers.get("Authorization", ""), request.headers.get("X-API-Key", "")
        )
        if not plain or settings.API_AUTH == "open":
            return None
        # An invalid key is an error even for a user who is logged in: the program meant to use it.
        try:
            return admit(plain, request.META.get("REMOTE_ADDR", "")), plain
        except KeyRefused as error:
            if error.status == HTTP_429_TOO_MANY_REQUESTS:
                raise TooMany(str(error), wait_s=error.wait_s) from error
            if error.status == HTTP_403_FORBIDDEN:
                raise PermissionDenied(str(error)) from error
            raise AuthenticationFailed(str(error)) from error

    def authenticate_header(self, request: Request) -> str:
        # With this header, REST framework returns 401 for a missing key, and not 403.
        return "Bearer"


def may_see_personal_data(request: Request) -> bool:
    """Whether this request may see unredacted words. Keys never may; people need a permission."""
    if settings.API_AUTH == "open":
        return True
    return not isinstance(request.user, ApiClient) and request.user.has_perm(VIEW_UNREDACTED)


def _is_of_another_site(request: Request) -> bool:
    """Whether a page of another site sends this, from the browser of somebody with access."""
    headers = {b"host": request.get_host().encode()}
    if "Origin" in request.headers:
        headers[b"origin"] = request.headers["Origin"].encode()
    return not is_same_origin(headers)


def find_lack(request: Request, *, scope: ApiKey.Scope, permission: str) -> str:
    """Return what the key or the person of this request lacks, or an empty string."""
    if settings.API_AUTH == "open":
        return ""
    if isinstance(request.user, ApiClient):
        is_enough = scope in request.user.scopes
        return "" if is_enough else f"This API key lacks the scope '{scope}'."
    is_enough = request.user.has_perm(permission)
    return "" if is_enough else f"Your account lacks the permission {permission}."


class MayCall(BasePermission):
    """Requires what the view declares for the action: a scope of keys, a permission of people."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if settings.API_AUTH == "open":
            self.message = "A page of another site must not act on an open API."
            return request.method in SAFE_METHODS or not _is_of_another_site(request)
        action: str = getattr(view, "action", None) or ""
        if not action and request.user.is_authenticated:
            return True  # no action for this method: the view answers 405
        scopes: Mapping[str, ApiKey.Scope] = view.scopes  # type: ignore[attr-defined]
        # OPTIONS, which describes the route.
        scope = ApiKey.Scope.READ if action == "metadata" else scopes.get(action)
        if scope is None:
            self.message = "Nobody may do this: the route declares no scope."
            return False
        if not request.user.is_authenticated:
            return False
        permission = view.permissions.get(action) or PERMISSIONS[scope]  # type: ignore[attr-defined]
        self.message = find_lack(request, scope=scope, permission=permission)
        return not self.message
