"""The id of a request: taken from the sender if it is harmless, or else made here.

Every line that is logged while the request is answered carries it, and the response names it.
"""

from __future__ import annotations

import re
import secrets
from itertools import count

from calls.asgi import Scope

HEADER = b"x-request-id"
HARMLESS = re.compile(rb"[A-Za-z0-9._:/+=-]{1,64}")
# Random once, then counted: a random number for each packet would cost more than the rest.
_start = secrets.token_hex(6)
_numbers = count(1)


def read_request_id(scope: Scope) -> str:
    """Return the id of a request or of a handshake."""
    for name, value in scope["headers"]:
        if name == HEADER and HARMLESS.fullmatch(value):
            return str(value, "ascii")
    return f"{_start}-{next(_numbers):x}"
