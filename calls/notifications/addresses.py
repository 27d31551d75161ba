"""Checks the addresses of targets. Private hosts are refused, unless the site allows them."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from calls.models import NotificationTarget
from calls.webhooks.addresses import AddressRefused, check_url, is_allowed

Kind = NotificationTarget.Kind
MAX_RECIPIENTS = 20


def is_mail_on() -> bool:
    return not settings.EMAIL_BACKEND.endswith("dummy.EmailBackend")


def recipients_of(address: str) -> list[str]:
    return [each.strip() for each in address.split(",") if each.strip()]


def check_address(kind: str, address: str) -> None:
    """Raise ValueError unless messages can be sent to this address. Resolves names."""
    if kind == Kind.EMAIL:
        _check_mail(address)
        return
    check_url(address)
    # A name may point elsewhere between this check and the connection. With TLS, it then has to
    # show a certificate for the name, which a host inside the site's network cannot.
    if urlsplit(address).scheme != "https" and settings.WEBHOOK_ALLOW_PRIVATE == "none":
        raise ValueError("The URL must start with https://.")
    _check_host(address)


def _check_mail(address: str) -> None:
    if not is_mail_on():
        raise ValueError("This site sends no e-mail: EMAIL_URL is not set.")
    recipients = recipients_of(address)
    if not 1 <= len(recipients) <= MAX_RECIPIENTS:
        raise ValueError(f"Enter 1 to {MAX_RECIPIENTS} e-mail addresses, separated by commas.")
    for each in recipients:
        try:
            validate_email(each)
        except ValidationError as error:
            raise ValueError(f"{each[:60]} is not an e-mail address.") from error


def _check_host(url: str) -> None:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise AddressUnknown(f"{parts.hostname} has no address.") from error
    for entry in found:
        if not is_allowed(str(entry[4][0]), settings.WEBHOOK_ALLOW_PRIVATE):
            raise AddressRefused(
                f"{parts.hostname} is at {entry[4][0]}, which is not a public address."
            )


class AddressUnknown(Exception):
    """The name of the host cannot be resolved now."""
