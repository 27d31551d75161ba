"""Serves a file whole or in part (RFC 9110, section 14), without loading it into memory."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from typing import IO, cast

from asgiref.sync import sync_to_async
from django.db import connection
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import parse_etags

BLOCK_SIZE = 1 << 16
MAX_DIGITS = 18
_RANGE = re.compile(r"bytes=\s*(\d*)-(\d*)\s*", re.ASCII | re.IGNORECASE)


class Unsatisfiable(Exception):
    """The range starts after the end of the file."""


class ThreadedResponse(StreamingHttpResponse):
    """Streams a plain iterator under ASGI too, one step at a time, off the event loop.

    Django itself would read the whole iterator before it sends anything. Each step runs in the
    request's own thread, and no database connection is held while the client reads.
    """

    async def __aiter__(self) -> AsyncIterator[bytes]:
        parts = cast(Iterator[bytes], self.streaming_content)
        while (part := await sync_to_async(_step)(parts)) is not None:
            yield self.make_bytes(part)


def _step(parts: Iterator[bytes]) -> bytes | None:
    try:
        return next(parts, None)
    finally:
        if not connection.in_atomic_block:
            connection.close()


def serve_file(
    request: HttpRequest, file: IO[bytes], *, size: int, etag: str, content_type: str, name: str
) -> HttpResponseBase:
    """Answer with the file (200), the requested part (206), or not modified (304)."""
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": f'"{etag}"',
        # Only the browser may cache it, and must revalidate: permissions may have changed.
        "Cache-Control": "private, no-cache",
        "Content-Disposition": f'inline; filename="{name}"',
    }
    if headers["ETag"] in parse_etags(request.headers.get("If-None-Match", "")):
        file.close()
        return HttpResponse(status=304, headers=headers)
    try:
        wanted = _wanted(request, size, headers["ETag"])
    except Unsatisfiable:
        file.close()
        return HttpResponse(
            status=416, headers={"Accept-Ranges": "bytes", "Content-Range": f"bytes */{size}"}
        )
    first, last = wanted or (0, size - 1)
    length = last - first + 1
    parts = _Part(file, first, 0 if request.method == "HEAD" else length)
    response = ThreadedResponse(parts, status=206 if wanted else 200, headers=headers)
    response["Content-Type"] = content_type
    response["Content-Length"] = str(length)
    if wanted:
        response["Content-Range"] = f"bytes {first}-{last}/{size}"
    return response


def _wanted(request: HttpRequest, size: int, etag: str) -> tuple[int, int] | None:
    """Return the first and last byte, or None for the whole file. Invalid ranges are ignored."""
    match = _RANGE.fullmatch(request.headers.get("Range", ""))
    # A client with another version of the file needs all of it. Dates are too coarse to compare.
    if match is None or request.headers.get("If-Range", etag) != etag:
        return None
    begin, end = match.groups()
    if not (begin or end) or max(len(begin), len(end)) > MAX_DIGITS:
        return None
    if begin and end and int(end) < int(begin):
        return None
    return _satisfied(begin, end, size)


def _satisfied(begin: str, end: str, size: int) -> tuple[int, int]:
    first = int(begin) if begin else max(0, size - int(end))
    last = min(int(end), size - 1) if begin and end else size - 1
    if first > last:
        raise Unsatisfiable
    return first, last


class _Part:
    """Yields ``length`` bytes of a file from ``first``, in blocks, then closes the file."""

    def __init__(self, file: IO[bytes], first: int, length: int) -> None:
        self._file = file
        self._left = length
        file.seek(first)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        block = self._file.read(min(BLOCK_SIZE, self._left)) if self._left else b""
        if not block:
            self._file.close()
            raise StopIteration
        self._left -= len(block)
        return block

    def close(self) -> None:
        self._file.close()
