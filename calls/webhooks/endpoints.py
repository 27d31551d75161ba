"""Checks and saves webhook endpoints, for the admin and the API."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import httpcore
from asgiref.sync import async_to_sync
from django.conf import settings

from calls import events
from calls.models import WebhookEndpoint
from calls.webhooks.addresses import AddressRefused, check_target
from calls.webhooks.services import replace_secret
from calls.webhooks.signature import secret_key

SECRET_RULE = "The secret must be whsec_ followed by 24 to 64 bytes in base64."  # noqa: S105 (a sentence)


@dataclass(frozen=True)
class Checked:
    """Why messages to a URL would be refused, and what may prevent their delivery for now."""

    refusal: str = ""
    doubt: str = ""


def check_endpoint_url(url: str) -> Checked:
    """Look a URL up as the courier does. May take seconds, so never call it in a transaction."""
    try:
        async_to_sync(check_target)(url, allowance=settings.WEBHOOK_ALLOW_PRIVATE)
    except AddressRefused as error:
        hint = "The setting WEBHOOK_ALLOW_PRIVATE can allow it."
        return Checked(refusal=f"{error} {hint}")
    except ValueError as error:
        return Checked(refusal=str(error))
    except (httpcore.ConnectError, TimeoutError):
        return Checked(doubt="Its host has no address yet. Messages wait until it has one.")
    return Checked()


def check_secret(secret: str) -> None:
    """Raise ValueError, with the rule, unless messages can be signed with this secret."""
    try:
        secret_key(secret)
    except ValueError as error:
        raise ValueError(SECRET_RULE) from error


def add_endpoint(endpoint: WebhookEndpoint) -> None:
    """Save a new endpoint. It gets events from now on, not the whole log."""
    endpoint.position = events.head()
    endpoint.save()


def change_endpoint(
    endpoint: WebhookEndpoint, changed: Collection[str], *, old_secret: str = ""
) -> None:
    """Save only these fields: the courier updates counters and position meanwhile."""
    written = set(changed)
    if "secret" in written:
        replace_secret(endpoint, endpoint.secret, old=old_secret)
        written |= {"previous_secret", "previous_secret_until"}
    if "enabled" in written and endpoint.enabled:
        # Otherwise the next failure would disable it again at once.
        endpoint.disabled_reason, endpoint.failing_since = "", None
        written |= {"disabled_reason", "failing_since"}
    endpoint.save(update_fields=sorted(written))
