"""Makes a call id from whatever id a sender has for its call, and reads the ids in addresses.

A valid call id stays as it is. For any other id, the call id is a readable beginning and a digest
of the whole: different ids stay different, and every socket of a call computes the same one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

from calls.models import CALL_ID_LENGTH, CALL_ID_PATTERN, EXTERNAL_ID_LENGTH, RESERVED_CALL_IDS

# In an address, an id that starts like this is the base64url of the real one.
ENCODED = "b64:"
ADDRESSED_PATTERN = rf"(?!{ENCODED}){CALL_ID_PATTERN}"
DIGEST_LENGTH = 16
_WORDS = (
    *("undefined", "null", "none", "nil", "nan", "unknown", "string", "uuid"),
    *("call_id", "call-id", "callid", "call_sid", "callsid", ":call_id"),
)
# Placeholders that programs send when they have no id. All their calls would become one.
PLACEHOLDERS = frozenset(
    {spelling for word in _WORDS for spelling in (word, word.capitalize(), word.upper())}
    | {"NaN", "(null)", "<null>", "[object Object]", "00000000-0000-0000-0000-000000000000"}
    | {"callId", "CallId", "callSid", "CallSid"}
)
# An unfilled template: {{CallSid}}, ${call_id}, <uuid>, %callid%, #{call.id}.
# Digits and the letters of hexadecimal numbers alone may be an id in brackets.
_TEMPLATE = re.compile(
    r"(?=.*[g-zG-Z_])"
    r"(?:[$#]?\{{1,2}\s*[A-Za-z_][\w. ]{0,60}\}{1,2}|<[%=\s]*[A-Za-z_][\w. -]{0,60}%?>"
    r"|%[A-Za-z_]\w{0,60}%|\$\(?[A-Za-z_]\w{0,60}\)?)"
)
NOT_CALL_IDS = RESERVED_CALL_IDS | PLACEHOLDERS
_VALID = re.compile(ADDRESSED_PATTERN)


def is_call_id(text: str) -> bool:
    """Whether a call can be stored, and found in an address, under exactly this id."""
    return _VALID.fullmatch(text) is not None and text not in NOT_CALL_IDS


def as_call_id(text: str) -> str:
    """Return the call id for a sender's id; empty if the text is blank or a placeholder."""
    if is_call_id(text):
        return text
    bare = text.strip()
    if not bare or bare in PLACEHOLDERS or _TEMPLATE.fullmatch(bare):
        return ""
    whole = text.encode("utf-8", "surrogatepass")
    digest = hashlib.sha256(whole).hexdigest()[:DIGEST_LENGTH]
    plain = re.sub(r"[^A-Za-z0-9._:@+-]+", "_", text)
    if plain.startswith(ENCODED):
        plain = plain.replace(":", "_", 1)
    return f"{plain[: CALL_ID_LENGTH - DIGEST_LENGTH - 1]}-{digest}"


def as_external_id(text: str) -> str:
    """Return what to store of a sender's id next to its call id; empty if they are the same."""
    if not as_call_id(text) or is_call_id(text):
        return ""
    storable = text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    return storable[:EXTERNAL_ID_LENGTH]


def encode(whole: bytes) -> str:
    """Return any id in the form that survives every address and proxy."""
    return ENCODED + base64.urlsafe_b64encode(whole).decode("ascii").rstrip("=")


def find_call_id(given: str) -> str:
    """Return the call id that a person or program means by any form of an id.

    Anything else is returned unchanged.
    """
    try:
        return as_call_id(decode(given))
    except ValueError:
        return given


def decode(addressed: str) -> str:
    """Return the sender's id that an address names. Raises ValueError if it names none.

    Only an encoded id may be one of ``NOT_CALL_IDS``: somebody encoded it on purpose.
    """
    if not addressed.startswith(ENCODED):
        if addressed in NOT_CALL_IDS or not as_call_id(addressed):
            raise ValueError(f"{addressed!r} is not a call id: it is reserved or a placeholder.")
        return addressed
    digits = addressed.removeprefix(ENCODED).rstrip("=")
    padded = digits + "=" * (-len(digits) % 4)
    try:
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"After {ENCODED!r}, an id must be base64url of UTF-8.") from error
    if not as_call_id(text):
        raise ValueError(f"{addressed!r} encodes no id.")
    return text
