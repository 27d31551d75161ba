"""Mapping answers and failed connections of an OpenAI-compatible server to ProviderError."""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from calls.analysis.providers import ProviderError

PASSING = {408, 409, 429}  # and 5xx
# A 429 with one of these codes and without Retry-After is permanent: the account needs payment.
QUOTA = {"insufficient_quota", "quota_exceeded", "billing_hard_limit_reached", "billing_not_active"}
REQUEST_ID_HEADERS = ("x-request-id", "request-id", "x-amzn-requestid", "cf-ray")
MAX_DETAIL = 300
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


def from_transport(error: httpx.HTTPError | httpx.InvalidURL) -> ProviderError:
    """Return the error for a request that got no response."""
    if isinstance(error, (httpx.InvalidURL, httpx.UnsupportedProtocol)):
        return ProviderError(f"OPENAI_BASE_URL: {error}", code="configuration", transient=False)
    code = "timeout" if isinstance(error, httpx.TimeoutException) else "connection"
    name = type(error).__name__
    return ProviderError(f"{name}: {error}" if str(error) else name, code=code, transient=True)


def invalid_answer(reason: str, response: httpx.Response) -> ProviderError:
    """Return the error for a 200 with an unusable answer. Another attempt may succeed."""
    message = with_request_id(f"The answer cannot be used: {reason}", response)
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
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    seconds = (aware - now).total_seconds()
    return seconds if seconds > 0 else None


def json_body(response: httpx.Response) -> Any:
    """Return the body as JSON, or None. Ignores the content type, which servers often get wrong."""
    if not response.text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(response.text)
    except ValueError:
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
    """Return the server's id of this answer, or an empty string."""
    ids = (response.headers.get(name, "") for name in REQUEST_ID_HEADERS)
    return next(filter(None, ids), "")[:100]


def with_request_id(message: str, response: httpx.Response) -> str:
    found = request_id(response)
    return f"{message} (request {found})" if found else message
