"""Settings of the log. Only its level depends on the site."""

from __future__ import annotations

import logging
import re
from typing import Any

TOKEN_OF_DISPLAY = re.compile(r"/wall/[^/\s]+")


class HideTokens(logging.Filter):
    """Hides the token in the address of a display, which Django logs with every error."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        if "/wall/" in text:
            record.msg, record.args = TOKEN_OF_DISPLAY.sub("/wall/…", text), ()
        return True


def logging_settings(level: str) -> dict[str, Any]:
    """Return the settings of logging. ``level`` is that of our own loggers."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"hide_tokens": {"()": HideTokens}},
        "formatters": {"line": {"format": "%(asctime)s %(levelname)-7s %(name)s %(message)s"}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "line",
                "filters": ["hide_tokens"],
            }
        },
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
