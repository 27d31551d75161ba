"""``/metrics``: figures for Prometheus."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    generate_latest,
)

from calls import events
from calls.analysis import breaker
from calls.analysis.live.status import read_live_status
from calls.analysis.status import Load, read_load, read_status
from calls.clock import database_now
from calls.ingest import reports
from calls.ingest.buffer import buffer
from calls.ingest.carriers.presence import count_connections
from calls.lifecycle import CallState
from calls.models import ApiKey, Call
from calls.monitoring import alerts
from calls.monitoring.overview import count_failed_jobs, measure_database, read_media_space
from calls.monitoring.processes import ProcessCollector
from calls.process import this_process
from calls.telemetry.adding_up import read_site


def metrics(request: HttpRequest) -> HttpResponse:
    """Answer with figures from the database, so every web process reports the same."""
    # A registry for each request: the default one counts in this process only.
    registry = CollectorRegistry()
    states = Gauge("callcenter_calls", "Calls by state", ["state"], registry=registry)
    for state, count in calls_by_state().items():
        states.labels(state).set(count)
    now = database_now()  # one query for all figures
    load = read_load(now=now)
    _add_load(registry, load)
    _add_providers(registry, now)
    standing = read_status(now=now)
    for name, text, value in (
        ("analysis_oldest_seconds", "Longest wait of a call", max(one.oldest_s for one in load)),
        ("analysis_paused", "1: the analysis is paused", standing.pause is not None),
        ("dead_letters", "Failed calls that nobody has dismissed", Call.objects.dead().count()),
        ("workers", "Workers alive", standing.workers),
        ("event_offset", "Newest offset of the event log", events.head()),
    ):
        Gauge(f"callcenter_{name}", text, registry=registry).set(value)
    _add_connections(registry, now)
    _add_ingest(registry, now)
    _add_keys(registry)
    _add_live(registry, now)
    registry.register(ProcessCollector(read_site(now=now)))
    _add_sound(registry)
    _add_space(registry)
    alerts.register(registry)
    if standing.silent_s is not None:
        silence = "Seconds since the last heartbeat of any worker"
        Gauge("callcenter_worker_silent_seconds", silence, registry=registry).set(standing.silent_s)
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _add_connections(registry: CollectorRegistry, now: datetime) -> None:
    connections = Gauge(
        "callcenter_media_connections", "Carriers' sockets, of all web processes",
        ["state"], registry=registry,
    )  # fmt: skip
    for state, count in count_connections(now=now).items():
        connections.labels(state).set(count)


def _add_load(registry: CollectorRegistry, load: Sequence[Load]) -> None:
    depth = Gauge(
        "callcenter_analysis_calls", "Calls by next stage and standing",
        ["stage", "standing"], registry=registry,
    )  # fmt: skip
    oldest = Gauge(
        "callcenter_analysis_stage_oldest_seconds", "Longest wait by next stage",
        ["stage"], registry=registry,
    )  # fmt: skip
    for one in load:
        for standing in ("ready", "retrying", "running"):
            depth.labels(one.stage, standing).set(getattr(one, standing))
        oldest.labels(one.stage).set(one.oldest_s)


def _add_ingest(registry: CollectorRegistry, now: datetime) -> None:
    """Add since when processes have refused packets: as reported, and as it is in this one."""
    since = Gauge(
        "callcenter_ingest_shedding_since_seconds", "When it began to refuse; 0: it accepts",
        ["process"], registry=registry,
    )  # fmt: skip
    pressures = {**reports.read(now=now), this_process(): buffer().pressure()}
    for process, pressure in pressures.items():
        is_shedding = pressure.shedding_s is not None
        since.labels(process).set(time.time() - (pressure.shedding_s or 0) if is_shedding else 0)


def _add_keys(registry: CollectorRegistry) -> None:
    limited = Counter(
        "callcenter_api_key_limited", "Requests over the limit of their API key",
        ["key"], registry=registry,
    )  # fmt: skip
    for key in ApiKey.objects.filter(limited_count__gt=0):
        limited.labels(str(key)).inc(key.limited_count)


def _add_live(registry: CollectorRegistry, now: datetime) -> None:
    """Add what the listener processes have reported."""
    status = read_live_status(now=now)
    for name, text, value in (
        ("calls", "Live calls that are being transcribed", status.calls),
        ("waiting_calls", "Live calls that wait to be transcribed", status.waiting),
        ("behind_seconds", "How far live words are behind, at most", status.behind_s),
    ):
        Gauge(f"callcenter_live_{name}", text, registry=registry).set(value)


def _add_space(registry: CollectorRegistry) -> None:
    media = read_media_space()
    for name, text, value in (
        (
            "media_free_bytes",
            "Free space where recordings are stored",
            media.free if media else None,
        ),
        ("database_bytes", "Size of the database", measure_database()),
        ("jobs_failed", "Background jobs that failed and are still on record", count_failed_jobs()),
    ):
        if value is not None:
            Gauge(f"callcenter_{name}", text, registry=registry).set(value)


def _add_providers(registry: CollectorRegistry, now: datetime) -> None:
    down = Gauge(
        "callcenter_provider_down", "1: it is down", ["provider", "stage"], registry=registry
    )
    for health in breaker.known_of_late(now=now):
        down.labels(health.provider, health.stage).set(health.down_since is not None)


def _add_sound(registry: CollectorRegistry) -> None:
    troubled = Gauge(
        "callcenter_sound_trouble_calls", "Calls with trouble with the sound, by kind",
        ["kind"], registry=registry,
    )  # fmt: skip
    for kind, count in calls_by_sound_trouble().items():
        troubled.labels(kind).set(count)


def calls_by_state() -> dict[str, int]:
    counted = Call.objects.order_by().values_list("state").annotate(Count("pk"))
    return {**dict.fromkeys(CallState.values, 0), **dict(counted)}


def calls_by_sound_trouble() -> dict[str, int]:
    """Return the number of calls with each kind of trouble. Only such calls are read."""
    troubled = Call.objects.with_sound_trouble().order_by()
    counts = dict.fromkeys(Call.SoundTrouble.values, 0)
    for kinds, count in troubled.values_list("sound_troubles").annotate(Count("pk")):
        for kind in kinds.split():
            counts[kind] = counts.get(kind, 0) + count
    return counts
