"""Refuses WebSockets that pages of other sites open in a supervisor's browser."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from channels.middleware import BaseMiddleware
from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.http.request import split_domain_port, validate_host

from calls.keys import key_from_headers
from calls.keys.origins import host_of, is_same_origin

log = logging.getLogger("django.security.DisallowedHost")  # Django's message
CARRIERS = "/v1/media"  # these sockets never read a cookie


class SameOrigin(BaseMiddleware):
    """Requires that the Origin header, if present, names this host or a trusted origin.

    It protects cookies, and an open API: a browser shows both to every page. Where a key or a
    signature decides instead, Origin is ignored, and programs may send any value.
    """

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        headers = dict(scope["headers"])
        if is_our_host(headers) and (
            is_judged_by_key(headers, scope["path"]) or is_same_origin(headers)
        ):
            return await super().__call__(scope, receive, send)
        return await WebsocketDenier()(scope, receive, send)


def is_our_host(headers: Mapping[bytes, bytes]) -> bool:
    """Return False for DNS rebinding: an attacker's host name that resolves to this server."""
    host = host_of(headers)
    if not host or validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS):
        return True
    log.error("Invalid HTTP_HOST header: %r.", host)
    return False


def is_judged_by_key(headers: Mapping[bytes, bytes], path: str) -> bool:
    """Whether a key or a signature decides, and neither a cookie nor an open API."""
    if settings.API_AUTH == "open":
        return False
    if f"{path}/".startswith(f"{CARRIERS}/"):
        return True
    authorization = headers.get(b"authorization", b"").decode("latin-1")
    return bool(key_from_headers(authorization, headers.get(b"x-api-key", b"").decode("latin-1")))
