"""Distinguishes pages of other sites from our own: browsers name the site in the header Origin."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from django.http import HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.http import is_same_domain


def is_same_origin(headers: Mapping[bytes, bytes]) -> bool:
    """Whether the Origin header is absent, names this host, or is trusted with forms as well."""
    if b"origin" not in headers:
        return True
    origin = headers[b"origin"].decode("latin-1").lower()
    try:
        parsed = urlsplit(origin)
    except ValueError:
        return False
    if parsed.netloc and parsed.netloc == host_of(headers):
        return True
    # Django's own reading of CSRF_TRUSTED_ORIGINS.
    trusted = CsrfViewMiddleware(lambda _: HttpResponse())
    return origin in trusted.allowed_origins_exact or any(
        is_same_domain(parsed.netloc, host)
        for host in trusted.allowed_origin_subdomains.get(parsed.scheme, ())
    )


def host_of(headers: Mapping[bytes, bytes]) -> str:
    return headers.get(b"host", b"").decode("latin-1").lower()
