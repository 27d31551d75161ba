"""Checks and saves notification targets, for the admin and the API."""

from __future__ import annotations

from collections.abc import Collection

from calls.models import NotificationTarget
from calls.notifications.addresses import AddressUnknown, check_address
from calls.notifications.chat import NotAnAddress, plugin_of
from calls.webhooks.addresses import AddressRefused

Kind = NotificationTarget.Kind


def check_target_address(kind: str, address: str) -> None:
    """Raise ValueError if a message to this address would be refused. May look its host up."""
    try:
        check_address(kind, address)
        if kind != Kind.EMAIL:
            plugin_of(kind, address)
    except AddressUnknown:
        pass  # its name may be resolvable when there is something to send
    except NotAnAddress as error:
        raise ValueError(f"Expected: {error}") from error
    except AddressRefused as error:
        raise ValueError(str(error)) from error


def change_target(target: NotificationTarget, changed: Collection[str]) -> None:
    """Save only these fields: the courier updates counters meanwhile."""
    written = set(changed)
    if "enabled" in written and target.enabled:
        # Otherwise the next failure would disable it again at once.
        target.disabled_reason, target.failing_since = "", None
        written |= {"disabled_reason", "failing_since"}
    target.save(update_fields=sorted(written))
