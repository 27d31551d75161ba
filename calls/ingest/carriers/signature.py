"""X-Twilio-Signature: proves that the sender of a handshake knows the account's token.

HMAC-SHA1 over the address as configured at the carrier (Twilio, "Validating requests").
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator, Mapping


def sign(text: str, token: str) -> str:
    """Return the signature of an address. For a form, append its sorted names and values."""
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def is_signed(headers: Mapping[bytes, bytes], path: str, token: str) -> bool:
    """Whether the handshake for ``path`` has a signature made with ``token``."""
    shown = headers.get(b"x-twilio-signature", b"").strip()
    host = headers.get(b"host", b"").decode("latin-1")
    return any(
        hmac.compare_digest(sign(address, token).encode(), shown)
        for address in _addresses(host, path)
    )


def _addresses(host: str, path: str) -> Iterator[str]:
    """Yield the addresses that may be signed: proxies hide scheme and port; some add a slash."""
    for scheme in ("wss", "https", "ws", "http"):
        for name in dict.fromkeys((host, host.rpartition(":")[0] or host)):
            yield f"{scheme}://{name}{path}"
            yield f"{scheme}://{name}{path.rstrip('/')}/"
