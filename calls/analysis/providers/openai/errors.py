"""Mapping answers and failed connections of an OpenAI-compatible server to ProviderError."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from calls.analysis.providers import ProviderError
from calls.formats.plain_text import clean_text

PASSING = {408, 409, 429}  # and 5xx
# A 429 with one of these codes and without Retry-After is permanent: the account needs payment.
QUOTA = {"insufficient_quota", "quota_exceeded", "billing_hard_limit_reached", "billing_not_active"}
REQUEST_ID_HEADERS = ("x-request-id", "request-id", "x-amzn-requestid", "cf-ray")
MAX_DETAIL = 300
MAX_BYTES = 16 * 1024 * 1024  # of a response; the words of 20 minutes take 300 KB
# What servers call their errors in words, and the status that says the same.
STATUSES = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "invalid_api_key": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "model_not_found": 404,
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    **dict.fromkeys(QUOTA, 429),
    "server_error": 500,
    "internal_error": 500,
    "internal_server_error": 500,
    "api_error": 500,
    "service_unavailable": 503,
    "unavailable_error": 503,
    "overloaded_error": 503,
    "timeout": 504,
}
_STATUS = re.compile(r"[45][0-9]{2}")
_TAG = re.compile(r"<[^>]*>")
_KEY = re.compile(r"\b(sk|pk|key)-[A-Za-z0-9_-]{8,}")


def from_response(response: httpx.Response, *, now: datetime | None = None) -> ProviderError:
    """Return the error for a response other than 2xx."""
    body = json_body(response)
    retry_after_s = retry_after(response.headers, now=now or datetime.now(UTC))
    detail = describe(body) if body is not None else first_line(response.text)
    message = f"{response.status_code} {response.reason_phrase}".strip()
    return ProviderError(
        with_request_id(": ".join(filter(None, (message, detail))), response),
        code=str(response.status_code),
        transient=is_transient(response, error_codes(body), retry_after_s),
        retry_after_s=retry_after_s,
        request_id=request_id(response),
    )


@contextmanager
def bounded_depth() -> Iterator[None]:
    """Turn the RecursionError that a deeply nested response causes into a failure."""
    try:
        yield
    except RecursionError as error:
        message = "The response cannot be used: it is nested too deeply."
        raise ProviderError(message, code="invalid_answer", transient=True) from error


def unmask(response: httpx.Response) -> httpx.Response:
    """Return the response that the body describes, if it is an error inside a 200.

    Raises ProviderError if the body does not say which kind of error it is.
    """
    if not response.is_success:
        return response
    error = _told_error(json_body(response))
    if error is None:
        return response
    status = _told_status(error)
    if status is None:
        raise ProviderError(
            with_request_id(f"The response is an error: {describe({'error': error})}", response),
            code="error_in_answer",
            transient=True,
            retry_after_s=retry_after(response.headers, now=datetime.now(UTC)),
            request_id=request_id(response),
        )
    headers = {**response.headers, **_told_headers(error)}
    content = json.dumps({"error": error}).encode()
    return httpx.Response(status, headers=_plain(headers), content=content)


def _told_error(body: Any) -> Any:
    """Return the error that a body holds, at the top or in place of a completion."""
    if not isinstance(body, dict):
        return None
    choices = body.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    for holder in (body, first):
        error = holder.get("error") if isinstance(holder, dict) else None
        if error and isinstance(error, (dict, str)):
            return error
    return None


def _told_status(error: Any) -> int | None:
    if not isinstance(error, dict):
        return None
    for name in ("code", "status", "status_code", "type"):
        told = str(error.get(name) or "").strip().lower()
        if _STATUS.fullmatch(told):
            return int(told)
        if told in STATUSES:
            return STATUSES[told]
    return None


def _told_headers(error: dict[str, Any]) -> dict[str, str]:
    """Return the Retry-After that a proxy passes on inside of the error."""
    metadata = error.get("metadata")
    passed_on = metadata.get("headers") if isinstance(metadata, dict) else None
    held = {**(passed_on if isinstance(passed_on, dict) else {}), **error}
    told = {str(name).lower().replace("_", "-"): value for name, value in held.items()}
    names = ("retry-after", "retry-after-ms")
    return {name: clean_text(str(told[name])) for name in names if told.get(name)}


def _plain(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Return headers without those that describe how a body was sent."""
    sent = {"content-encoding", "content-length", "transfer-encoding"}
    return [
        (name.encode("latin-1", "replace"), value.encode("latin-1", "replace"))
        for name, value in headers.items()
        if name.lower() not in sent
    ]


async def read_bounded(response: httpx.Response) -> httpx.Response:
    """Read a streamed response. Raises ProviderError if it has more than MAX_BYTES."""
    content = bytearray()
    async for part in response.aiter_bytes():
        content += part
        if len(content) > MAX_BYTES:
            message = f"The response has more than {MAX_BYTES:,} bytes."
            raise ProviderError(
                with_request_id(message, response),
                code="too_large",
                transient=True,
                request_id=request_id(response),
            )
    whole = httpx.Response(
        response.status_code,
        headers=_plain(response.headers),
        content=bytes(content),
        extensions=response.extensions,
    )
    return _with_text(whole)


def _with_text(response: httpx.Response) -> httpx.Response:
    """Return the response, to be read as UTF-8 if it is that, whatever its headers say.

    JSON always is. Other text has its own encoding, if Python knows it as one for text.
    """
    try:
        response.content.decode()
        response.encoding = "utf-8-sig"
    except UnicodeDecodeError:
        try:
            _ = response.text
        except (LookupError, ValueError, TypeError, AssertionError):
            response.encoding = "utf-8"
    return response


def from_transport(error: httpx.HTTPError | httpx.InvalidURL) -> ProviderError:
    """Return the error for a request that got no response."""
    if isinstance(error, (httpx.InvalidURL, httpx.UnsupportedProtocol)):
        return ProviderError(f"OPENAI_BASE_URL: {error}", code="configuration", transient=False)
    code = "timeout" if isinstance(error, httpx.TimeoutException) else "connection"
    name = type(error).__name__
    return ProviderError(f"{name}: {error}" if str(error) else name, code=code, transient=True)


def invalid_answer(reason: str, response: httpx.Response) -> ProviderError:
    """Return the error for a 200 with an unusable response. Another attempt may succeed."""
    message = with_request_id(f"The response cannot be used: {reason}", response)
    return ProviderError(
        message, code="invalid_answer", transient=True, request_id=request_id(response)
    )


def is_transient(response: httpx.Response, codes: set[str], retry_after_s: float | None) -> bool:
    """Return whether another attempt may succeed. An explicit hint of the server wins."""
    word: str = response.headers.get("x-should-retry", "").lower()
    if word in ("true", "false"):
        return word == "true"
    if response.status_code == 429 and codes & QUOTA and retry_after_s is None:
        return False
    return response.status_code in PASSING or response.status_code >= 500


def retry_after(headers: httpx.Headers, *, now: datetime) -> float | None:
    """Return how many seconds the server asks to wait: milliseconds, seconds, or an HTTP date."""
    for name, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit_s
        except ValueError:
            continue
        return seconds if math.isfinite(seconds) and seconds > 0 else None
    return _until(headers.get("retry-after", ""), now=now)


def _until(date: str, *, now: datetime) -> float | None:
    try:
        moment = parsedate_to_datetime(date)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        seconds = (aware - now).total_seconds()
    except (TypeError, ValueError, OverflowError):
        return None
    return seconds if seconds > 0 else None


def json_body(response: httpx.Response) -> Any:
    """Return the body as JSON, or None. Ignores the content type, which servers often get wrong."""
    if not response.text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(response.text)
    except (ValueError, RecursionError):
        return None


def describe(body: Any) -> str:
    """Return the message from an error body, in any of the shapes that servers use."""
    found = body
    for name in ("error", "detail", "message"):
        while isinstance(found, dict) and found.get(name):
            found = found[name]
    if isinstance(found, list) and found and isinstance(found[0], dict):
        found = found[0].get("msg", found[0])
    return first_line(found if isinstance(found, str) else json.dumps(found))


def error_codes(body: Any) -> set[str]:
    """Return what the body calls the error: its code and its type, as text."""
    error = body.get("error", body) if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return set()
    return {str(error[name]) for name in ("code", "type") if error.get(name)}


def error_param(response: httpx.Response) -> str:
    """Return the name of the parameter that the server rejects, or an empty string."""
    body = json_body(response)
    error = body.get("error") if isinstance(body, dict) else None
    return str(error.get("param") or "") if isinstance(error, dict) else ""


def first_line(text: str) -> str:
    """Return the first line of text, without tags and without anything that looks like a key."""
    lines = (" ".join(_TAG.sub(" ", line).split()) for line in text.splitlines())
    line = next(filter(None, lines), "")
    return _KEY.sub(r"\1-***", line)[:MAX_DETAIL]


def request_id(response: httpx.Response) -> str:
    """Return the server's id of this response, or an empty string."""
    ids = (response.headers.get(name, "") for name in REQUEST_ID_HEADERS)
    return next(filter(None, ids), "")[:100]


def with_request_id(message: str, response: httpx.Response) -> str:
    found = request_id(response)
    return f"{message} (request {found})" if found else message
