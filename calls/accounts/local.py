"""Passwords of this site: which accounts may still use one, if only a few are named."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend


class LocalBackend(ModelBackend):
    """Lets in only the accounts of LOCAL_PASSWORDS. Earlier logins of the others end."""

    def user_can_authenticate(self, user: Any) -> bool:
        may: bool = super().user_can_authenticate(user)
        return may and _is_named(user)


def has_local_password(user: Any) -> bool:
    """Whether an account logs in with a password of this site."""
    return bool(user.has_usable_password()) and _is_named(user)


def is_local_name(username: str) -> bool:
    """Whether an account with a password of this site has this name, in any case of letters."""
    found = get_user_model().objects.filter(username__iexact=username)
    return any(has_local_password(user) for user in found)


def _is_named(user: Any) -> bool:
    named = settings.SIGN_ON.local_passwords
    return not named or user.get_username() in named
