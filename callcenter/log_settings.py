"""Settings of the log. Only its level depends on the site."""

from __future__ import annotations

from typing import Any


def logging_settings(level: str) -> dict[str, Any]:
    """Return the settings of logging. ``level`` is that of our own loggers."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "%(asctime)s %(levelname)-7s %(name)s %(message)s"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {
            "calls": {"level": level},
            "supervisor": {"level": level},
            "django": {"level": "INFO"},
            "django.request": {"level": "ERROR"},
            # Scanners cause these all day. The answer 400 is enough.
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            "django-q": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
            "axes": {"level": "WARNING"},
        },
    }
