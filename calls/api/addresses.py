"""Reads the addresses under /v1 as they were sent, before anything routes by them.

Servers decode a path before they split it. An encoded slash in a call id would then split the id,
and bytes that are not UTF-8 would make different ids equal.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from calls.asgi import App, Receive, Scope, Send
from calls.ingest.call_ids import ENCODED, encode

_CALL_ID = re.compile(rb"(/v1/(?:call/stream|call|media)/)([^/]+)(.*)", re.DOTALL)


class Addresses:
    """Wraps the application. Ordinary addresses pass unchanged."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw = scope.get("raw_path") or b""
        if raw.startswith(b"/v1/") and (b"%" in raw or raw.endswith(b"/")):
            scope = {**scope, "path": read_path(raw)}
        await self.app(scope, receive, send)


def read_path(raw: bytes) -> str:
    """Return the decoded path, with a call id that cannot be decoded alone in its encoded form.

    A slash at the end is dropped, except from an address that would lack its id.
    """
    if raw.endswith(b"/") and raw != b"/v1/call/stream/":
        raw = raw.removesuffix(b"/")
    if match := _CALL_ID.fullmatch(raw):
        head, call_id, tail = match.groups()
        return f"{_decoded(head)}{_call_id(unquote_to_bytes(call_id))}{_decoded(tail)}"
    return _decoded(raw)


def _decoded(raw: bytes) -> str:
    return unquote_to_bytes(raw).decode("utf-8", "replace")


def _call_id(whole: bytes) -> str:
    if whole.startswith(ENCODED.encode()):
        # Ordinary base64 has slashes, where base64url has underscores.
        return whole.replace(b"/", b"_").decode("utf-8", "replace")
    try:
        text = whole.decode()
    except UnicodeDecodeError:
        return encode(whole)
    return encode(whole) if "/" in text else text
