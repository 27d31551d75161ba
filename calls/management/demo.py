"""The demo account of ``make run``, for the local profile only."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured

USERNAME = "supervisor"


def create_demo_supervisor() -> tuple[str, str]:
    """Create the account if needed, with all permissions. Returns its name and password.

    The password is created once and kept in ``var/``. Raises ImproperlyConfigured in production.
    """
    if not settings.LOCAL:
        raise ImproperlyConfigured("There is no demo in production. Use `createsuperuser`.")
    password = _password(settings.STATE_DIR / "demo_password")
    user, _ = get_user_model().objects.get_or_create(
        username=USERNAME, defaults={"is_staff": True, "is_superuser": True}
    )
    # The database may be older or newer than the file with the password.
    if not user.check_password(password):
        user.set_password(password)
        user.save(update_fields=["password"])
    return USERNAME, password


def _password(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        # O_EXCL: of two starts at the same time, only one writes the password.
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(9))
    except FileExistsError:
        pass
    return path.read_text()
