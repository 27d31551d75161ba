"""Settings of OpenTelemetry traces, under their standard names."""

from __future__ import annotations

from importlib.util import find_spec
from urllib.parse import urlsplit

from callcenter.configuration.environment import Environment

SAMPLERS = (
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
    "always_on",
    "always_off",
    "traceidratio",
)


def trace_endpoint(env: Environment) -> str:
    """Return the address of the collector, or nothing: no traces."""
    # OpenTelemetry reads these itself.
    env.text("OTEL_EXPORTER_OTLP_HEADERS", takes="pairs: name=value,name=value")
    env.choice("OTEL_TRACES_SAMPLER", SAMPLERS, SAMPLERS[0])
    env.number("OTEL_TRACES_SAMPLER_ARG", 1, 0, 1)
    return env.parsed("OTEL_EXPORTER_OTLP_ENDPOINT", _collector, "", "an address")


def _collector(url: str) -> str:
    if not url:
        return ""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(
            f"OTEL_EXPORTER_OTLP_ENDPOINT is {url!r}; it must be like http://localhost:4318."
        )
    if find_spec("opentelemetry") is None:
        raise ValueError(
            "OTEL_EXPORTER_OTLP_ENDPOINT needs packages: pip install -r requirements-otel.txt"
        )
    return url.rstrip("/")
