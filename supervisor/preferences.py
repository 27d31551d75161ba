"""The preferences of the person whose request is handled.

They are active for one request, as Django's time zone is. Any code that writes a time or applies a
filter reads them here, so that they need not be passed through every page.
"""

from __future__ import annotations

from asgiref.local import Local

from calls.models import Preferences

USUAL = Preferences()  # of a person without settings
_active = Local()


def activate(preferences: Preferences) -> None:
    _active.value = preferences


def deactivate() -> None:
    if hasattr(_active, "value"):
        del _active.value


def active() -> Preferences:
    return getattr(_active, "value", USUAL)
