"""The kinds of personal data that are removed."""

from __future__ import annotations

from typing import Literal

Kind = Literal["CARD", "PHONE", "EMAIL", "IBAN", "NATIONAL_ID", "ACCOUNT", "SECURITY_CODE", "DATE"]
