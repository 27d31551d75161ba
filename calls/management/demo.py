"""The demo account of ``make run``, for the local profile only."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured

from callcenter.configuration.local_secret import kept_secret

USERNAME = "supervisor"


def create_demo_supervisor() -> tuple[str, str]:
    """Create the account if needed, with all permissions. Returns its name and password.

    The password is created once and kept in ``var/``. Raises ImproperlyConfigured in production.
    """
    if not settings.LOCAL:
        raise ImproperlyConfigured("There is no demo in production. Use `createsuperuser`.")
    password = kept_secret(settings.STATE_DIR / "demo_password", size=9)
    user, _ = get_user_model().objects.get_or_create(
        username=USERNAME, defaults={"is_staff": True, "is_superuser": True}
    )
    # The database may be older or newer than the file with the password.
    if not user.check_password(password):
        user.set_password(password)
        user.save(update_fields=["password"])
    return USERNAME, password
