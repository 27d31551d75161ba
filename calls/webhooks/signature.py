"""Signs messages after the Standard Webhooks specification: HMAC-SHA256 of id, time and body."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

from calls.models.webhook import SECRET_PREFIX

# The sizes that the specification allows.
KEY_BYTES = range(24, 65)


def secret_key(secret: str) -> bytes:
    """Return the key in a secret: ``whsec_`` and base64. Raises ValueError if it is malformed."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
    if not secret.startswith(SECRET_PREFIX) or len(key) not in KEY_BYTES:
        raise ValueError("not whsec_ and 24 to 64 bytes")
    return key


def headers(
    *, secrets: Sequence[str], message_id: str, timestamp: int, body: bytes
) -> dict[str, str]:
    """Return the three headers for a body, signed with each of the secrets.

    ``timestamp`` is in seconds.
    """
    content = f"{message_id}.{timestamp}.".encode() + body
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(_sign(secret, content) for secret in secrets),
    }


def _sign(secret: str, content: bytes) -> str:
    digest = hmac.new(secret_key(secret), content, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"
