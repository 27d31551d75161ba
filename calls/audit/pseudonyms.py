"""Keyed digests of ids and numbers. Without the key, nobody can guess what they stand for."""

from __future__ import annotations

import hashlib
import hmac

from django.conf import settings


def pseudonym(text: str) -> str:
    """Return the keyed digest of a text, or an empty string for an empty text."""
    if not text:
        return ""
    key = settings.ERASURE_KEY.encode()
    return hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
