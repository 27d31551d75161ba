"""Settings of the log. Only its level and its format depend on the site."""

from __future__ import annotations

from typing import Any

FORMATS = ("text", "json")


def logging_settings(level: str, *, form: str) -> dict[str, Any]:
    """Return the settings of logging: the level of our own loggers, and one of FORMATS."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {
            "hide_tokens": {"()": "callcenter.log_format.HideTokens"},
            "unknown_hosts": {"()": "callcenter.log_format.UnknownHosts"},
            "quiet_outages": {"()": "callcenter.log_format.QuietOutages"},
        },
        "formatters": {
            "text": {"format": "%(asctime)s %(levelname)-7s %(name)s %(message)s"},
            "json": {"()": "callcenter.log_format.JsonLines"},
        },
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": form,
                "filters": ["hide_tokens"],
            }
        },
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": _loggers(level),
    }


def _loggers(level: str) -> dict[str, Any]:
    return {
        "calls": {"level": level},
        "supervisor": {"level": level},
        # Django gives these two handlers of its own, which write text only.
        "django": {"handlers": [], "level": "INFO"},
        "django.server": {"handlers": [], "level": "INFO", "propagate": True},
        "django.request": {"level": "ERROR"},
        "django.security.DisallowedHost": {"filters": ["unknown_hosts"]},
        "django-q": {
            "handlers": ["stderr"],
            "level": "WARNING",
            "propagate": False,
            "filters": ["quiet_outages"],
        },
        # It repeats every second what the caller logs once.
        "psycopg.pool": {"level": "ERROR"},
        # Names logins with line breaks as they are. Ours, calls.logins, says the same.
        "axes": {"level": "ERROR"},
        "django_auth_ldap": {"level": "ERROR"},
        # Uvicorn has set their levels by now. A logger that is not named would lose its own.
        "uvicorn": {"handlers": ["stderr"], "propagate": False},
        "uvicorn.error": {},
        "uvicorn.access": {"handlers": ["stderr"], "propagate": False},
    }
