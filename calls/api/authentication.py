"""Who sends a request, and what their key or login permits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from calls.keys import PERMISSIONS, VIEW_UNREDACTED, ApiClient, key_from_headers, ring
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
        client = ring.find(plain)
        if client is None:
            raise AuthenticationFailed("This API key is not valid: it is unknown or revoked.")
        return client, plain

    def authenticate_header(self, request: Request) -> str:
        # With this header, REST framework answers 401 to a missing key, and not 403.
        return "Bearer"


def may_see_personal_data(request: Request) -> bool:
    """Whether this request may see unredacted words. Keys never may; people need a permission."""
    if settings.API_AUTH == "open":
        return True
    return not isinstance(request.user, ApiClient) and request.user.has_perm(VIEW_UNREDACTED)


class MayCall(BasePermission):
    """Requires the scope that the view's ``scopes`` name for the action; by default ``read``."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if settings.API_AUTH == "open":
            return True
        action = getattr(view, "action", None)
        if action is None and request.user.is_authenticated:
            return True  # no action for this method: the view answers 405
        scope = view.scopes.get(action, ApiKey.Scope.READ)  # type: ignore[attr-defined]
        if isinstance(request.user, ApiClient):
            self.message = f"This API key lacks the scope '{scope}'."
            return scope in request.user.scopes
        if not request.user.is_authenticated:
            return False
        self.message = f"Your account lacks the permission {PERMISSIONS[scope]}."
        return request.user.has_perm(PERMISSIONS[scope])
