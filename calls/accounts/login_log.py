"""Writes logins, failures and logouts to the log, each with the name and the address."""

from __future__ import annotations

import logging
from typing import Any

from axes.helpers import get_client_ip_address
from axes.signals import user_locked_out
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

log = logging.getLogger("calls.logins")


def address_of(request: HttpRequest | None) -> str | None:
    """Return the address that the lock-out counts by as well, or None if there is none."""
    return (get_client_ip_address(request) or None) if request is not None else None


def tell_failure(request: HttpRequest | None, username: str, reason: str) -> None:
    """Count another failure like a wrong password: for the lock-out, the log and the audit log."""
    user_login_failed.send(
        sender=get_user_model(),
        credentials={"username": username, "reason": reason},
        request=request,
    )


@receiver(user_logged_in, dispatch_uid="log login")
def _log_login(request: HttpRequest | None, user: Any, **_: Any) -> None:
    # As a literal: a name may contain line breaks, which could forge lines in the log.
    log.info("login of %r from %s", user.get_username(), address_of(request))


@receiver(user_login_failed, dispatch_uid="log failed login")
def _log_failure(credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    name = str(credentials.get("username", ""))[:150]
    why = credentials.get("reason", "wrong password, or no such account")
    log.warning("failed login of %r from %s: %s", name, address_of(request), why)


@receiver(user_locked_out, dispatch_uid="log lock-out")
def _log_lock_out(request: HttpRequest | None, username: str | None, **_: Any) -> None:
    log.warning("login of %r from %s is locked", username, address_of(request))


@receiver(user_logged_out, dispatch_uid="log logout")
def _log_logout(request: HttpRequest | None, user: Any, **_: Any) -> None:
    if user is not None:
        log.info("logout of %r from %s", user.get_username(), address_of(request))
