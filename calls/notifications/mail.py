"""Sends one message by e-mail, with Django's backend."""

from __future__ import annotations

from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException

from django.core.mail import EmailMessage

from calls.notifications.addresses import recipients_of
from calls.notifications.text import Notice
from calls.webhooks.retry import Outcome

ACCEPTED = 250  # as mail servers write it


def send_mail(address: str, notice: Notice) -> Outcome:
    """Send to all recipients at once. Never raises for what mail servers do."""
    recipients = recipients_of(address)
    message = EmailMessage(f"[callcenter] {notice.title}", notice.body, to=recipients)
    try:
        message.send()
    except SMTPRecipientsRefused as error:
        code, reason = next(iter(error.recipients.values()))
        return Outcome(code, f"The mail server refused: {code} {_readable(reason)}")
    except SMTPResponseException as error:
        text = _readable(error.smtp_error)
        return Outcome(error.smtp_code, f"The mail server returned {error.smtp_code} {text}")
    except (SMTPException, OSError, ValueError) as error:
        return Outcome(error=f"The mail server could not be used: {error or type(error).__name__}")
    return Outcome(ACCEPTED, response="The mail server accepted the message.")


def _readable(reason: bytes | str) -> str:
    text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else reason
    return " ".join(text.split())[:200]
