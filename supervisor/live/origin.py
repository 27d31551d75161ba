"""Refuses WebSockets that pages of other sites open in a supervisor's browser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from channels.middleware import BaseMiddleware
from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.http import HttpResponse
from django.http.request import split_domain_port, validate_host
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.http import is_same_domain

from calls.keys import key_from_headers

CARRIERS = "/v1/media"  # these sockets never read a cookie


class SameOrigin(BaseMiddleware):
    """Requires that the Origin header, if present, names this host or a trusted origin.

    It protects cookies, and an open API: a browser shows both to every page. Where a request is
    judged by a key or a signature instead, Origin says nothing, and programs may send any.
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
    host = _host(headers)
    return not host or validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS)


def is_judged_by_key(headers: Mapping[bytes, bytes], path: str) -> bool:
    """Whether a key or a signature decides, and neither a cookie nor an open API."""
    if settings.API_AUTH == "open":
        return False
    if f"{path}/".startswith(f"{CARRIERS}/"):
        return True
    authorization = headers.get(b"authorization", b"").decode("latin-1")
    return bool(key_from_headers(authorization, headers.get(b"x-api-key", b"").decode("latin-1")))


def is_same_origin(headers: Mapping[bytes, bytes]) -> bool:
    """Whether the Origin header is absent, names this host, or is trusted with forms as well."""
    if b"origin" not in headers:
        return True
    origin = headers[b"origin"].decode("latin-1").lower()
    try:
        parsed = urlsplit(origin)
    except ValueError:
        return False
    if parsed.netloc and parsed.netloc == _host(headers):
        return True
    # Django's own reading of CSRF_TRUSTED_ORIGINS.
    trusted = CsrfViewMiddleware(lambda _: HttpResponse())
    return origin in trusted.allowed_origins_exact or any(
        is_same_domain(parsed.netloc, host)
        for host in trusted.allowed_origin_subdomains.get(parsed.scheme, ())
    )


def _host(headers: Mapping[bytes, bytes]) -> str:
    return headers.get(b"host", b"").decode("latin-1").lower()
