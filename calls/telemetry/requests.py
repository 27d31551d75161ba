"""The span of a request or of a handshake: named by its route, never by its path."""

from __future__ import annotations

from contextlib import AbstractContextManager

from django.urls import Resolver404, resolve

from calls.asgi import Scope
from calls.monitoring.log_context import log_with
from calls.telemetry.tracing import OFF, Traced, is_on, present, span

HEADER = b"traceparent"
UNTRACED = {"/healthz", "/readyz", "/metrics", "/v1/events/stream"}  # probes, an endless stream


def span_of_request(scope: Scope) -> AbstractContextManager[Traced]:
    """Record a request. It continues the trace of its sender, if the sender names one."""
    if not is_on() or scope["path"] in UNTRACED:
        return OFF
    method, route = scope["method"], _route(scope)
    named = f"{method} {route}".strip()
    return span(named, parent=_sent(scope), kind="server", method=method, route=route)


def trace_socket(scope: Scope, kind: str) -> None:
    """Record a handshake. Messages on the socket continue its trace for as long as it is open."""
    if not is_on():
        return
    with span(f"WebSocket {kind}", parent=_sent(scope), kind="server"):
        traceparent = present()
    log_with(traceparent=traceparent)


def _sent(scope: Scope) -> str:
    return next((str(value, "latin-1") for name, value in scope["headers"] if name == HEADER), "")


def _route(scope: Scope) -> str:
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    try:
        return f"/{resolve(path).route.lstrip('^/')}"
    except Resolver404:
        return ""
