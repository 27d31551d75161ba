"""What monitoring asks: is the process alive, is the service ready, and how are the figures?"""

from __future__ import annotations

from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse

from calls.analysis.standing import Standing, read_standing
from calls.monitoring import alerts


def alive(request: HttpRequest) -> HttpResponse:
    """The process answers. Says nothing of the database."""
    return JsonResponse({"status": "alive"})


def ready(request: HttpRequest) -> HttpResponse:
    """200 if calls can be taken and analysed, else 503 that says what is wrong.

    An AI that is down, or paused by somebody, is noted and no more: calls are taken and wait.
    """
    problems, standing = find_problems()
    if problems or standing is None:
        return JsonResponse({"status": "not ready", "problems": problems}, status=503)
    notes = find_notes(standing)
    return JsonResponse({"status": "ready", **({"notes": notes} if notes else {})})


def find_notes(standing: Standing) -> list[str]:
    pause = standing.pause
    paused = [f"The analysis is paused since {pause.paused_at:%FT%TZ}."] if pause else []
    return (
        alerts.find_notes()
        + paused
        + [
            f"Provider {outage.provider} ({outage.stage}) is down since {outage.since:%FT%TZ}: "
            f"calls wait for it."
            for outage in standing.outages
        ]
    )


def find_problems() -> tuple[list[str], Standing | None]:
    """Return what is wrong, and how the analysis stands if that could be found out."""
    try:
        if pending := pending_migrations():
            return [f"{pending} migrations have not been applied: run `manage.py migrate`."], None
        standing = read_standing()
    except DatabaseError as error:
        return [f"The database does not answer: {type(error).__name__}."], None
    return ([] if standing.workers else [_no_worker(standing.silent_s)]), standing


def _no_worker(silent_s: float | None) -> str:
    if silent_s is None:
        return "No worker has ever shown a sign of life: start one with `manage.py qcluster`."
    return f"No worker has shown a sign of life for {silent_s:.0f} s."


def pending_migrations() -> int:
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
