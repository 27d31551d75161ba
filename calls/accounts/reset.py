"""Sends links with which people set a password that they have forgotten."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import EmailMessage
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django_q.tasks import async_task

from calls.accounts.local import has_local_password
from calls.accounts.login_log import log

SEND_RESETS = "calls.tasks.send_resets"
TEXT = """\
Somebody, probably you, asked to reset the password of the account {name}:

{link}

The link works once, for an hour. If you did not ask for this, ignore this message:
your password does not change.
"""


class Limit:
    """How often something may happen to a key, in this process."""

    def __init__(
        self, count: int, within_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._count, self._within_s, self._clock = count, within_s, clock
        self._times: dict[str, list[float]] = {}

    def take(self, key: str) -> bool:
        """Count once more, unless the limit is reached. Return whether it may happen."""
        since = self._clock() - self._within_s
        self._times = {each: at for each, at in self._times.items() if at[-1] > since}
        times = [at for at in self._times.get(key, []) if at > since]
        if len(times) >= self._count:
            return False
        self._times[key] = [*times, self._clock()]
        return True

    def forget(self) -> None:
        self._times.clear()


of_visitors = Limit(10, 3600)  # by network address
of_mailboxes = Limit(3, 3600)  # by e-mail address


def is_reset_offered() -> bool:
    """Whether this site sends mail, and knows its own address for the link."""
    return bool(settings.SITE_URL) and "dummy" not in settings.EMAIL_BACKEND


def ask_reset(email: str) -> None:
    """Queue the mail. The response takes as long whether or not there is such an account."""
    if of_mailboxes.take(email.casefold()):
        async_task(SEND_RESETS, email, task_name="send_resets", save=False)


def send_resets(email: str) -> int:
    """Send a link to each account with a password here and this address. Return how many."""
    found = get_user_model().objects.filter(email__iexact=email, is_active=True).order_by("pk")
    return sum(_send(user) for user in found[:10] if has_local_password(user))


def _send(user: User) -> bool:
    where = [urlsafe_base64_encode(force_bytes(user.pk)), default_token_generator.make_token(user)]
    link = settings.SITE_URL + reverse("supervisor:reset-password", args=where)
    text = TEXT.format(name=user.get_username(), link=link)
    # To the address on record: a look-alike may count as equal to it.
    message = EmailMessage("[callcenter] A new password", text, to=[user.email])
    try:
        message.send()
    except (OSError, ValueError) as error:  # SMTPException is an OSError
        log.warning("no link to reset the password of %r: %s", user.get_username(), error)
        return False
    log.info("a link to reset the password of %r was sent", user.get_username())
    return True
