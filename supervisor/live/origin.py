"""Refuses WebSockets that a page of another site opened in a supervisor's browser."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from channels.middleware import BaseMiddleware
from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.http.request import split_domain_port, validate_host


class SameOrigin(BaseMiddleware):
    """Browsers always send Origin, and it must name the host that they talk to.

    Programs send none; they have no cookies that a foreign page could use.
    """

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        if is_same_origin(dict(scope["headers"])):
            return await super().__call__(scope, receive, send)
        return await WebsocketDenier()(scope, receive, send)


def is_same_origin(headers: dict[bytes, bytes]) -> bool:
    host = headers.get(b"host", b"").decode("latin-1").lower()
    if host and not validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS):
        return False  # a name that an attacker points here, to make its pages ours
    if b"origin" not in headers:
        return True
    origin = headers[b"origin"].decode("latin-1").lower()
    return urlsplit(origin).netloc == host or origin in settings.CSRF_TRUSTED_ORIGINS
