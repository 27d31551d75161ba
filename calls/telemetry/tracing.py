"""Traces: what the service did for a request and for a call, as OpenTelemetry spans.

Off unless OTEL_EXPORTER_OTLP_ENDPOINT is set; then nothing is imported, and ``span`` costs next to
nothing. A span continues the trace of the present context, whose ``traceparent`` is a field of the
log. Attributes hold no personal data: no path, no number, no name, no text of an error.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from multiprocessing.util import Finalize
from typing import Any

from django.conf import settings

from calls.monitoring.log_context import log_fields, logging_with
from calls.process import this_process

FLUSH_MS = 3000
MOST_LINKS = 32
# Names of the semantic conventions. Every other attribute is ours.
STANDARD = {
    "method": "http.request.method",
    "route": "http.route",
    "status": "http.response.status_code",
    "error": "error.type",
}


class Traced:
    """A span that is being recorded, or nothing at all."""

    def __init__(self, recorded: Any = None) -> None:
        self._recorded = recorded

    def set(self, **attributes: Any) -> None:
        """Set attributes; an empty one is left out. ``error`` is a code, not a text."""
        if self._recorded is None:
            return
        for name, value in attributes.items():
            if value not in (None, ""):
                self._recorded.set_attribute(STANDARD.get(name, f"callcenter.{name}"), value)
        if attributes.get("error"):
            from opentelemetry.trace import StatusCode

            self._recorded.set_status(StatusCode.ERROR)


class _Off(AbstractContextManager[Traced]):
    def __enter__(self) -> Traced:
        return NOTHING

    def __exit__(self, *_: object) -> None:
        return None


class _Running:
    """The tracer of this process. A forked child has to start its own."""

    owner = 0
    provider: Any = None
    tracer: Any = None
    stop: Finalize | None = None


NOTHING, OFF = Traced(), _Off()


def start(role: str) -> None:
    """Send the spans of this process from now on, if the site wants them. Cheap to call again."""
    if not settings.OTEL_EXPORTER_OTLP_ENDPOINT or _Running.owner == os.getpid():
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    described = {
        "service.name": settings.OTEL_SERVICE_NAME,
        "service.instance.id": this_process(),
        "callcenter.role": role,
    }
    endpoint = f"{settings.OTEL_EXPORTER_OTLP_ENDPOINT}/v1/traces"
    provider = TracerProvider(resource=Resource.create(described), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint)))
    _Running.provider, _Running.tracer = provider, provider.get_tracer("callcenter")
    _Running.owner = os.getpid()
    # A forked child leaves through multiprocessing, which runs no atexit handlers.
    _Running.stop = Finalize(None, _finish, args=(provider,), exitpriority=10)


def stop() -> None:
    """Send what is left. Call before ``os._exit``; every other end of a process does it."""
    if _Running.stop is not None:
        _Running.stop()


def _finish(provider: Any) -> None:
    _Running.tracer, _Running.owner = None, 0
    provider.force_flush(FLUSH_MS)
    provider.shutdown()


def is_on() -> bool:
    """Return whether spans are recorded, for callers that prepare something for them."""
    return _Running.tracer is not None


def span(
    name: str, *, parent: str = "", links: Iterable[str] = (), kind: str = "", **attributes: Any
) -> AbstractContextManager[Traced]:
    """Record a span around what is done inside.

    ``parent`` and ``links`` are traceparents; without a parent, the span continues the trace of the
    present context. ``kind`` is "server" or "client" at the edge of the service.
    """
    if _Running.tracer is None:
        return OFF
    return _recorded(name, parent or present(), links, kind or "internal", attributes)


def present() -> str:
    """Return the traceparent of the present context, or nothing."""
    return log_fields().get("traceparent", "")


@contextmanager
def _recorded(
    name: str, parent: str, links: Iterable[str], kind: str, attributes: Mapping[str, Any]
) -> Iterator[Traced]:
    from opentelemetry.trace import Link, SpanKind

    linked = [Link(found) for each in links if (found := _read(each)) is not None]
    recorded = _Running.tracer.start_span(
        name, context=_context_of(parent), kind=SpanKind[kind.upper()], links=linked[:MOST_LINKS]
    )
    traced = Traced(recorded)
    traced.set(**attributes)
    try:
        with logging_with(traceparent=_written(recorded.get_span_context())):
            yield traced
    except BaseException as error:
        traced.set(error=getattr(error, "code", "") or type(error).__name__)
        raise
    finally:
        recorded.end()


def _context_of(traceparent: str) -> Any:
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract({"traceparent": traceparent})


def _read(traceparent: str) -> Any:
    """Return the context of a span for a link, or None if there is none to be read."""
    from opentelemetry.trace import get_current_span

    found = get_current_span(_context_of(traceparent)).get_span_context()
    return found if found.is_valid else None


def _written(context: Any) -> str:
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
