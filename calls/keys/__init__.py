"""API keys of programs: who sends a request, and what the key permits.

access     Admits or refuses the key of a request or socket.
guesses    Counts wrong keys by address, to slow down guessing.
last_use   Records when and from where each key was last used, in the background.
limits     How often a key may be used.
networks   The networks from which a key may be used.
keyring    The valid keys in memory, so that checking one costs no query.
origins    Distinguishes pages of other sites from our own.
services   Creates, changes, rotates and revokes keys.
terms      Reads times and spans as people write them.
watching   Tells open sockets when their key is no longer valid.
"""

from calls.keys.access import (
    CLOSE_NOT_ALLOWED,
    CLOSE_NOT_LOGGED_IN,
    PERMISSIONS,
    VIEW_UNREDACTED,
    SocketRefusal,
    address_of,
    admit,
    admit_at_once,
    find_refusal,
    key_from_headers,
    key_of,
    refuse_key,
)
from calls.keys.keyring import ApiClient, KeyRefused, KeyRing, digest, ring
from calls.keys.services import (
    KeyUnchangeable,
    change_key,
    create_key,
    revoke_key,
    rotate_key,
)
from calls.keys.watching import NO_WATCH, KeyWatch, close_when_refused, watch

__all__ = [
    "CLOSE_NOT_ALLOWED",
    "CLOSE_NOT_LOGGED_IN",
    "NO_WATCH",
    "PERMISSIONS",
    "VIEW_UNREDACTED",
    "ApiClient",
    "KeyRefused",
    "KeyRing",
    "KeyUnchangeable",
    "KeyWatch",
    "SocketRefusal",
    "address_of",
    "admit",
    "admit_at_once",
    "change_key",
    "close_when_refused",
    "create_key",
    "digest",
    "find_refusal",
    "key_from_headers",
    "key_of",
    "refuse_key",
    "revoke_key",
    "ring",
    "rotate_key",
    "watch",
]
