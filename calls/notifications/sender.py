"""Sends one message to a target, whatever its kind."""

from __future__ import annotations

import logging
import time
from dataclasses import replace

from calls.models import NotificationTarget
from calls.notifications import chat, mail
from calls.notifications.addresses import AddressUnknown, check_address
from calls.notifications.text import Notice
from calls.webhooks.addresses import AddressRefused
from calls.webhooks.retry import Outcome

log = logging.getLogger(__name__)
Kind = NotificationTarget.Kind


def send_notice(kind: str, address: str, notice: Notice) -> Outcome:
    """Send once, blocking. Never raises: every failure is returned as an outcome."""
    begin = time.monotonic()
    try:
        # Each time, because the address of a name may change.
        check_address(kind, address)
        is_mail = kind == Kind.EMAIL
        outcome = mail.send_mail(address, notice) if is_mail else chat.post(kind, address, notice)
    except (ValueError, AddressRefused, AddressUnknown) as error:
        outcome = Outcome(error=str(error))
    except Exception as error:
        log.exception("a notification failed unexpectedly")
        outcome = Outcome(error=f"{type(error).__name__}: {error}"[:300])
    return replace(outcome, duration_ms=round((time.monotonic() - begin) * 1000))
