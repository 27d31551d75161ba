"""The health checks ``/healthz`` and ``/readyz``."""

from __future__ import annotations

from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse

from calls.analysis.recording.files import find_storage_problem
from calls.analysis.status import AnalysisStatus, read_status
from calls.monitoring import alerts
from calls.monitoring.visits import what_was_seen
from calls.operation.draining import draining


def alive(request: HttpRequest) -> HttpResponse:
    """Answer 200 while the process runs. Does not check the database."""
    # A database outage must not make an orchestrator restart healthy processes.
    return JsonResponse({"status": "alive", **what_was_seen(request)})


def ready(request: HttpRequest) -> HttpResponse:
    """Answer 200 if calls can be received and analysed, else 503 with the problems.

    A provider that is down and a paused analysis are only notes: calls are still received, and
    wait.
    """
    if draining.has_begun():
        return _not_ready(["This process has been told to stop."])
    problems, standing = find_problems()
    if problems or standing is None:
        return _not_ready(problems)
    notes = find_notes(standing)
    return JsonResponse({"status": "ready", **({"notes": notes} if notes else {})})


def _not_ready(problems: list[str]) -> HttpResponse:
    return JsonResponse({"status": "not ready", "problems": problems}, status=503)


def find_notes(standing: AnalysisStatus) -> list[str]:
    pause = standing.pause
    paused = [f"The analysis has been paused since {pause.paused_at:%FT%TZ}."] if pause else []
    since = standing.shedding_since
    shedding = [f"Overloaded: packets have been refused since {since:%FT%TZ}."] if since else []
    storage = find_storage_problem()
    return (
        alerts.find_notes()
        + ([storage] if storage else [])
        + paused
        + shedding
        + [
            f"Provider {outage.provider} ({outage.stage}) has been down since "
            f"{outage.since:%FT%TZ}. Calls are waiting."
            for outage in standing.outages
        ]
    )


def find_problems() -> tuple[list[str], AnalysisStatus | None]:
    """Return the problems, and the status of the analysis if it could be read."""
    try:
        # First, because the status reads tables that a migration may still have to create.
        if pending := pending_migrations():
            return [f"{pending} migrations have not been applied. Run `manage.py migrate`."], None
        standing = read_status()
    except DatabaseError as error:
        return [f"The database does not respond: {type(error).__name__}."], None
    # Without a worker, calls are received, but nothing is analysed and nobody is alerted.
    return ([] if standing.workers else [_no_worker(standing.silent_s)]), standing


def _no_worker(silent_s: float | None) -> str:
    if silent_s is None:
        return "No worker has ever run. Start one with `manage.py qcluster`."
    return f"No worker has sent a heartbeat for {silent_s:.0f} s."


def pending_migrations() -> int:
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
