"""The second factor of a login: set up, check, and take away. The devices are django-otp's."""

from __future__ import annotations

import math
from base64 import b32encode
from binascii import unhexlify
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, get_user_model
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.utils import timezone
from django_otp import DEVICE_ID_SESSION_KEY, verify_token
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_otp.util import random_hex

from calls.accounts.login_log import log
from calls.accounts.sessions import end_sessions
from calls.audit.record import record_change
from calls.models import AuditAction

DIGITS = 6
RECOVERY_CODES = 10
APP, RECOVERY = "authenticator app", "recovery codes"


class WrongCode(Exception):
    """The code is not the current one, or it was used before."""


class TooManyCodes(WrongCode):
    """Previous codes were wrong. None is checked until ``wait_s`` seconds have passed."""

    def __init__(self, wait_s: int) -> None:
        super().__init__(f"Too many wrong codes. Try again in {wait_s} s.")
        self.wait_s = wait_s


@dataclass(frozen=True)
class Secret:
    """A key that is not in use yet, in the forms in which it reaches an app."""

    key: str
    username: str

    @property
    def text(self) -> str:
        """The key in groups of four characters, for typing."""
        text = b32encode(unhexlify(self.key)).decode()
        return " ".join(text[at : at + 4] for at in range(0, len(text), 4))

    @property
    def address(self) -> str:
        """The otpauth:// address that a QR code holds."""
        user = get_user_model()(username=self.username)
        address: str = TOTPDevice(user=user, key=self.key).config_url
        return address


def new_key() -> str:
    key: str = random_hex(20)
    return key


def has_factor(user: Any) -> bool:
    return bool(TOTPDevice.objects.filter(user=user, confirmed=True).exists())


def must_have_factor(user: Any) -> bool:
    """Whether SECOND_FACTOR asks this person for one."""
    demand: str = settings.SECOND_FACTOR
    return demand == "all" or (demand == "staff" and bool(user.is_staff or user.is_superuser))


def is_factor_elsewhere(session: Mapping[str, Any]) -> bool:
    """Whether this login came from a service that asks for a second factor itself, if required."""
    return session.get(BACKEND_SESSION_KEY) in settings.SIGN_ON.elsewhere


def count_recovery_codes(user: Any) -> int:
    return int(StaticToken.objects.filter(device__user=user).count())


def proven_user(user: Any, session: Mapping[str, Any]) -> Any:
    """Return this user, or nobody if the login lacks a factor that the site requires.

    New logins cannot lack it. This finds those from before it was required.
    """
    if settings.SECOND_FACTOR == "optional" or not user.is_authenticated:
        return user
    is_proven = DEVICE_ID_SESSION_KEY in session or is_factor_elsewhere(session)
    return user if is_proven or not must_have_factor(user) else AnonymousUser()


@transaction.atomic
def set_up_factor(*, user: Any, key: str, code: str) -> tuple[TOTPDevice, list[str]]:
    """Start to ask this person for codes. Return the device and the recovery codes.

    Raises WrongCode. The code proves that the app has the key.
    """
    get_user_model().objects.select_for_update().get(pk=user.pk)
    device = TOTPDevice.objects.create(user=user, key=key, name=APP, confirmed=False)
    if not device.verify_token(_plain(code)):
        raise WrongCode("Wrong code. Enter the code that the app shows now.")  # and no device
    TOTPDevice.objects.filter(user=user).exclude(pk=device.pk).delete()
    device.confirmed = True
    device.save(update_fields=["confirmed"])
    log.info("%r set up a second factor", user.get_username())
    record_change(AuditAction.FACTOR_ON, user)
    return device, _new_recovery_codes(user)


@transaction.atomic
def renew_recovery_codes(user: Any) -> list[str]:
    """Replace the recovery codes of this person. Return the new ones."""
    record_change(AuditAction.FACTOR_CODES, user)
    return _new_recovery_codes(user)


def _new_recovery_codes(user: Any) -> list[str]:
    StaticDevice.objects.filter(user=user).delete()
    device = StaticDevice.objects.create(user=user, name=RECOVERY)
    codes: list[str] = [StaticToken.random_token() for _ in range(RECOVERY_CODES)]
    StaticToken.objects.bulk_create(StaticToken(device=device, token=code) for code in codes)
    return [f"{code[:4]}-{code[4:]}" for code in codes]


def check_code(user: Any, code: str) -> Any:
    """Use up a code of the app, or a recovery code. Return the device. Raises WrongCode."""
    code = _plain(code)
    # Told apart by form: a recovery code must not count as a wrong one of the app.
    model = TOTPDevice if code.isdecimal() and len(code) == DIGITS else StaticDevice
    device = model.objects.filter(user=user, confirmed=True).first()
    if device is None:
        raise WrongCode("Wrong code.")
    is_allowed, why = device.verify_is_allowed()
    if not is_allowed:
        left_s = (why["locked_until"] - timezone.now()).total_seconds()
        raise TooManyCodes(max(1, math.ceil(left_s)))
    if verify_token(user, device.persistent_id, code) is None:
        raise WrongCode("Wrong code.")
    return device


@transaction.atomic
def take_factor_away(user: Any, *, by: Any) -> bool:
    """Ask this person for no more codes. Return False if there was no factor.

    If somebody else does it, all logins of this person end.
    """
    gone, _ = TOTPDevice.objects.filter(user=user).delete()
    StaticDevice.objects.filter(user=user).delete()
    if gone and by.pk != user.pk:
        end_sessions(user)
    if gone:
        record_change(AuditAction.FACTOR_OFF, user)
        log.warning("%r removed the second factor of %r", by.get_username(), user.get_username())
    return bool(gone)


def _plain(code: str) -> str:
    """Drop what people put between the characters of a code."""
    return "".join(character for character in code.lower() if character.isalnum())
