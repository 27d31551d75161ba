"""Settings of the messages that this site sends, and what is wrong with them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured


def mail_settings(url: str, *, sender: str) -> dict[str, Any]:
    """Return Django's settings for the mail server at this URL. Empty: no e-mail is sent."""
    sender = sender or "callcenter@localhost"
    try:
        found: dict[str, Any] = environ.Env.email_url_config(url or "dummymail://")
    except (ImproperlyConfigured, ValueError) as error:
        raise ImproperlyConfigured(
            "EMAIL_URL must be like smtp+tls://user:password@mail.example.com:587."
        ) from error
    # The time-out is that of each step.
    return found | {
        "EMAIL_TIMEOUT": 10,
        "DEFAULT_FROM_EMAIL": sender,
        "SERVER_EMAIL": sender,
    }


def site_address(url: str) -> str:
    """Return the address of this site without a slash at its end."""
    if url and not (urlsplit(url).hostname and urlsplit(url).scheme in ("http", "https")):
        raise ImproperlyConfigured(
            f"SITE_URL is {url!r}; it must be like https://calls.example.com."
        )
    return url.rstrip("/")
