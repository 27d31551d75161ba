"""Who a request comes from, and what its key or its login permits."""

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
        client = ring.find(plain)
        if client is None:
            raise AuthenticationFailed("This API key is not valid: it is unknown or revoked.")
        return client, plain

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def may_see_personal_data(request: Request) -> bool:
    """Whether the words of a call may be shown as they were said: to people who are allowed to."""
    if settings.API_AUTH == "open":
        return True
    return not isinstance(request.user, ApiClient) and request.user.has_perm(VIEW_UNREDACTED)


class MayCall(BasePermission):
    """Asks for the scope that the view names for its action in ``scopes``."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if settings.API_AUTH == "open":
            return True
        action = getattr(view, "action", None)
        if action is None and request.user.is_authenticated:
            return True  # the method has no action here, which is for the view to say
        scope = view.scopes.get(action, ApiKey.Scope.READ)  # type: ignore[attr-defined]
        if isinstance(request.user, ApiClient):
            self.message = f"This API key lacks the scope '{scope}'."
            return scope in request.user.scopes
        if not request.user.is_authenticated:
            return False
        self.message = f"Your account lacks the permission {PERMISSIONS[scope]}."
        return request.user.has_perm(PERMISSIONS[scope])
