"""Refuses WebSockets that pages of other sites open in a supervisor's browser."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from channels.middleware import BaseMiddleware
from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.http.request import split_domain_port, validate_host


class SameOrigin(BaseMiddleware):
    """Requires that the Origin header, if present, names this host or a trusted origin.

    Browsers always send it. Programs send none, but they hold no cookies for another site to abuse.
    """

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        if is_same_origin(dict(scope["headers"])):
            return await super().__call__(scope, receive, send)
        return await WebsocketDenier()(scope, receive, send)


def is_same_origin(headers: dict[bytes, bytes]) -> bool:
    host = headers.get(b"host", b"").decode("latin-1").lower()
    if host and not validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS):
        return False  # DNS rebinding: an attacker's host name that resolves to this server
    if b"origin" not in headers:
        return True
    origin = headers[b"origin"].decode("latin-1").lower()
    return urlsplit(origin).netloc == host or origin in settings.CSRF_TRUSTED_ORIGINS
