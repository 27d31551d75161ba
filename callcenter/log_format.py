"""How a line of the log is written, and what it hides."""

from __future__ import annotations

import json
import logging
import re
import time
from datetime import UTC, datetime
from typing import Any

from calls.monitoring.log_context import log_fields

TOKENS = re.compile(r"(/wall/|/login/reset/)(?!set-password)[^/\s]+(/[^/\s]+)?")
# By convention, a message names its call as "call %s".
PLACEHOLDER = re.compile(r"%%|(call )?%[-#0 +]*\d*(?:\.\d+)?[a-zA-Z]")
UNKNOWN_HOST = re.compile(r"Invalid HTTP_HOST header: '([^']*)'")
HOUR_S = 3600.0
MINUTE_S = 60.0
MAX_HOSTS = 100  # scanners make names up


class HideTokens(logging.Filter):
    """Hides the tokens in the addresses of displays and of password resets."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        if "/wall/" in text or "/login/reset/" in text:
            record.msg, record.args = TOKENS.sub(r"\1…", text), ()
        return True


class UnknownHosts(logging.Filter):
    """Names each unknown host once an hour, in one line that says what to set."""

    def __init__(self) -> None:
        super().__init__()
        self._quiet_until: dict[str, float] = {}  # the earliest first

    def filter(self, record: logging.LogRecord) -> bool:
        found = UNKNOWN_HOST.match(record.getMessage())
        if found is None:
            return True
        host = found[1][:255]
        if not self._is_due(host, now_s=time.monotonic()):
            return False
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.msg = (
            "requests to the host %r are refused; if it is this site, add it to ALLOWED_HOSTS"
        )
        record.args, record.exc_info, record.exc_text = (host,), None, None
        return True

    def _is_due(self, host: str, *, now_s: float) -> bool:
        for known, until in list(self._quiet_until.items()):  # threads share it
            if until <= now_s:
                self._quiet_until.pop(known, None)
        if host in self._quiet_until or len(self._quiet_until) >= MAX_HOSTS:
            return False
        self._quiet_until[host] = now_s + HOUR_S
        return True


class QuietOutages(logging.Filter):
    """Makes one line a minute of each message of the queue about a database that is away.

    The queue asks several times a second, and writes a traceback each time.
    """

    def __init__(self) -> None:
        super().__init__()
        self._quiet_until: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if error is None or not _is_outage(error):
            return True
        message = record.getMessage()
        now_s = time.monotonic()
        if self._quiet_until.get(message, now_s) > now_s:
            return False
        self._quiet_until[message] = now_s + MINUTE_S
        told, *_ = str(error).splitlines() or [type(error).__name__]
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.msg, record.args = "%s: the database is not available: %s", (message, told)
        record.exc_info, record.exc_text = None, None
        return True


def _is_outage(error: BaseException) -> bool:
    from calls.outage import is_outage  # needs the settings, which name this module

    return is_outage(error)


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and call_id, request_id if known."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **log_fields(),
        }
        if traceparent := line.pop("traceparent", ""):
            line["trace_id"] = traceparent.split("-")[1]
        if (call_id := _call_id(record)) is not None:
            line["call_id"] = call_id
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = record.stack_info
        return json.dumps(line, ensure_ascii=False, default=str)


def _call_id(record: logging.LogRecord) -> str | None:
    """Return the id of the call that a message names, if it names one."""
    if not isinstance(record.args, tuple):
        return None
    places = [each for each in PLACEHOLDER.finditer(str(record.msg)) if each[0] != "%%"]
    for found, value in zip(places, record.args, strict=False):
        if found[1] and isinstance(value, str):
            return value
    return None
