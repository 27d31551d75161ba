"""Settings of logins: passwords, lock-outs and one-time codes."""

from __future__ import annotations

from typing import Any


def account_settings() -> dict[str, Any]:
    """Return the settings of Django, django-axes and django-otp."""
    return {
        "AXES_CLIENT_IP_CALLABLE": "calls.proxies.client_address",
        "AXES_LOCKOUT_PARAMETERS": [["username", "ip_address"]],
        "AXES_RESET_ON_SUCCESS": True,
        "AXES_SENSITIVE_PARAMETERS": [],  # name who was locked out; passwords stay masked
        "AXES_LOCKOUT_TEMPLATE": "supervisor/locked_out.html",
        "AUTH_PASSWORD_VALIDATORS": [
            {"NAME": f"django.contrib.auth.password_validation.{name}Validator"}
            for name in (
                "UserAttributeSimilarity",
                "MinimumLength",
                "CommonPassword",
                "NumericPassword",
            )
        ],
        "PASSWORD_RESET_TIMEOUT": 3600,
        "OTP_TOTP_ISSUER": "callcenter",
    }
