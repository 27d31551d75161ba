"""What monitoring asks: is the process alive, is the service ready, and how are the figures?"""

from __future__ import annotations

from datetime import timedelta

from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Count, Min
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from calls import alert_metrics, events
from calls.analysis import breaker
from calls.lifecycle import CallState
from calls.models import Call, WorkerHeartbeat

HEARTBEAT_LIMIT = timedelta(seconds=30)


def alive(request: HttpRequest) -> HttpResponse:
    """The process answers. Says nothing of the database."""
    return JsonResponse({"status": "alive"})


def ready(request: HttpRequest) -> HttpResponse:
    """200 if calls can be taken and analysed, else 503 that says what is wrong.

    An AI that is down is noted and no more: calls are taken and wait for it.
    """
    if problems := find_problems():
        return JsonResponse({"status": "not ready", "problems": problems}, status=503)
    notes = find_notes()
    return JsonResponse({"status": "ready", **({"notes": notes} if notes else {})})


def find_notes() -> list[str]:
    return alert_metrics.find_notes() + [
        f"Provider {health.provider} ({health.stage}) is down since {health.down_since:%FT%TZ}: "
        f"calls wait for it."
        for health in breaker.down_of_late(now=timezone.now())
    ]


def find_problems() -> list[str]:
    try:
        if pending := pending_migrations():
            return [f"{pending} migrations have not been applied: run `manage.py migrate`."]
        return [] if workers_alive() else ["No worker has shown a sign of life for 30 s."]
    except DatabaseError as error:
        return [f"The database does not answer: {type(error).__name__}."]


def pending_migrations() -> int:
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def workers_alive() -> int:
    return WorkerHeartbeat.objects.filter(seen_at__gte=timezone.now() - HEARTBEAT_LIMIT).count()


def metrics(request: HttpRequest) -> HttpResponse:
    """Figures for Prometheus: read from the database, so every web process says the same."""
    registry = CollectorRegistry()
    states = Gauge("callcenter_calls", "Calls by state", ["state"], registry=registry)
    for state, count in calls_by_state().items():
        states.labels(state).set(count)
    down = Gauge(
        "callcenter_provider_down", "1: calls wait", ["provider", "stage"], registry=registry
    )
    for health in breaker.known_of_late(now=timezone.now()):
        down.labels(health.provider, health.stage).set(health.down_since is not None)
    for name, text, value in (
        ("analysis_oldest_seconds", "Longest wait for the AI", oldest_wait_s()),
        ("workers", "Workers alive", workers_alive()),
        ("event_offset", "Newest offset of the event log", events.head()),
    ):
        Gauge(f"callcenter_{name}", text, registry=registry).set(value)
    alert_metrics.register(registry)
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def calls_by_state() -> dict[str, int]:
    counted = Call.objects.order_by().values_list("state").annotate(Count("pk"))
    return {**dict.fromkeys(CallState.values, 0), **dict(counted)}


def oldest_wait_s() -> float:
    waiting = Call.objects.filter(state__in=(CallState.COMPLETED, CallState.PROCESSING_AI))
    oldest = waiting.aggregate(at=Min("ended_at"))["at"]
    return (timezone.now() - oldest).total_seconds() if oldest else 0.0
