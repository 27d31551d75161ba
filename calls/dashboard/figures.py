"""Turns the overview of the site into figures: what is shown, how bad it is, and in which words.

Pure: no queries, no addresses. ``target`` names the list behind a figure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.template.defaultfilters import filesizeformat

from calls.models import ProviderHealth
from calls.monitoring.overview import Overview, Space

# Calls are analysed within seconds. Longer waits mean that the workers cannot keep up.
SLOW_S, TOO_SLOW_S = 5 * 60, 30 * 60
# Jobs are short. More than this means that nothing is running them.
MANY_JOBS = 100
LATE_WEBHOOKS_S = 5 * 60
MISSED_FOR = timedelta(days=7)
LITTLE_SPACE, NO_SPACE = 0.10, 0.03
LIVE_BEHIND_S = 10


class Level(StrEnum):
    """Ordered by urgency in ``RANK``. Each is shown by colour and by word."""

    OK = "ok"
    PLAIN = "plain"
    WARN = "warn"
    BAD = "bad"


RANK = {Level.PLAIN: 0, Level.OK: 0, Level.WARN: 1, Level.BAD: 2}


@dataclass(frozen=True)
class Target:
    """A list of the admin, by the label of its model, with the query that narrows it."""

    model: str
    query: str = ""


@dataclass(frozen=True)
class Figure:
    label: str
    value: str
    level: Level = Level.PLAIN
    note: str = ""
    target: Target | None = None


def span(seconds: float) -> str:
    """A duration in one unit: 40 s, 12 min, 3 h, 2 days."""
    for limit, size, unit in ((90, 1, "s"), (5400, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86_400:.0f} days"


def figures_of(site: Overview, *, live_transcription: str) -> list[Figure]:
    return [
        _workers(site),
        _analysis(site),
        _providers(site),
        _waiting(site),
        _failed_calls(site),
        _live_calls(site),
        _live_transcription(site, live_transcription),
        _alerts(site),
        _jobs(site),
        _failed_jobs(site),
        _webhooks(site),
        _disk(site),
        _database(site),
        _lock_outs(site),
        _api_keys(site),
    ]


def worst(figures: list[Figure]) -> Level:
    return max((figure.level for figure in figures), key=RANK.__getitem__, default=Level.OK)


def problems_of(figures: list[Figure]) -> list[Figure]:
    """Return what needs attention, the worst first."""
    found = [figure for figure in figures if RANK[figure.level]]
    return sorted(found, key=lambda figure: -RANK[figure.level])


def _since(at: datetime, site: Overview) -> str:
    return f"for {span((site.now - at).total_seconds())}"


def _workers(site: Overview) -> Figure:
    alive, silent = site.alive, len(site.workers) - site.alive
    target = Target("calls.workerheartbeat")
    if not alive:
        note = "Nothing is analysed, and no alerts are raised. Start one: manage.py qcluster"
        return Figure("Workers", "None alive", Level.BAD, note, target)
    if silent:
        return Figure("Workers", f"{alive} alive", Level.WARN, f"{silent} silent", target)
    return Figure("Workers", f"{alive} alive", Level.OK, "", target)


def _analysis(site: Overview) -> Figure:
    if site.shedding_since:
        note = f"Packets have been refused {_since(site.shedding_since, site)}"
        return Figure("Ingest and analysis", "Overloaded", Level.BAD, note)
    if site.pause:
        by = f" by {site.pause.by}" if site.pause.by else ""
        note = f"Paused{by} {_since(site.pause.paused_at, site)}"
        if site.pause.reason:
            note += f": {site.pause.reason}"
        return Figure("Ingest and analysis", "Paused", Level.WARN, note)
    note = f"{site.running:,} being analysed"
    return Figure(
        "Ingest and analysis",
        "Running",
        Level.OK,
        note,
        Target("calls.call", "state__exact=PROCESSING_AI"),
    )


def _providers(site: Overview) -> Figure:
    target = Target("calls.providerhealth")
    down = [each for each in site.providers if each.down_since]
    failing = [each for each in site.providers if each.failures and not each.down_since]
    if down:
        return Figure("AI providers", "Down", Level.BAD, _named(down, site), target)
    if failing:
        return Figure("AI providers", "Failing", Level.WARN, _named(failing, site), target)
    return Figure("AI providers", "OK", Level.OK, "", target)


def _named(found: list[ProviderHealth], site: Overview) -> str:
    return "; ".join(
        f"{each.provider}, {each.stage}: "
        + (_since(each.down_since, site) if each.down_since else f"{each.failures} in a row")
        for each in found
    )


def _waiting(site: Overview) -> Figure:
    age = site.oldest_s
    level = Level.BAD if age >= TOO_SLOW_S else Level.WARN if age >= SLOW_S else Level.OK
    waiting = site.waiting + site.running
    note = f"the oldest for {span(age)}" if waiting else ""
    if level is not Level.OK:
        note += ", too long"
    target = Target("calls.call", "state__exact=COMPLETED")
    return Figure("Waiting for AI", f"{site.waiting:,}", level, note, target)


def _failed_calls(site: Overview) -> Figure:
    target = Target("calls.call", "state__exact=FAILED&dismissed=no")
    if not site.dead_calls:
        return Figure("Failed calls", "None", Level.OK, "", target)
    note = "retry or dismiss them"
    return Figure("Failed calls", f"{site.dead_calls:,}", Level.WARN, note, target)


def _live_calls(site: Overview) -> Figure:
    target = Target("calls.call", "state__exact=IN_PROGRESS")
    return Figure("Live calls", f"{site.live_calls:,}", target=target)


def _live_transcription(site: Overview, setting: str) -> Figure:
    label, live = "Live transcription", site.live
    if setting == "off":
        return Figure(label, "Off", note="LIVE_TRANSCRIPTION")
    value = f"{live.calls:,} calls" if live.calls != 1 else "1 call"
    if live.waiting:
        return Figure(label, value, Level.WARN, f"{live.waiting:,} wait for a free worker")
    if live.behind_s >= LIVE_BEHIND_S:
        return Figure(label, value, Level.WARN, f"{live.behind_s:.0f} s behind")
    return Figure(label, value, Level.OK if live.calls else Level.PLAIN)


def _alerts(site: Overview) -> Figure:
    target = Target("calls.alert", "state=open")
    parts = [f"{count:,} {level}" for level, count in reversed(site.open_alerts.items()) if count]
    count = sum(site.open_alerts.values())
    return Figure("Open alerts", f"{count:,}", note=", ".join(parts), target=target)


def _jobs(site: Overview) -> Figure:
    many = site.queued_jobs > MANY_JOBS
    return Figure(
        "Queued jobs",
        f"{site.queued_jobs:,}",
        Level.WARN if many else Level.OK,
        "more than workers can keep up with" if many else "",
        Target("django_q.ormq"),
    )


def _failed_jobs(site: Overview) -> Figure:
    count, target = site.failed_job_count, Target("django_q.failure")
    if not count:
        return Figure("Failed jobs", "None", Level.OK, "", target)
    last = site.failed_jobs[0].stopped
    note = f"the last {span((site.now - last).total_seconds())} ago"
    return Figure("Failed jobs", f"{count:,}", Level.WARN, note, target)


def _webhooks(site: Overview) -> Figure:
    hooks, target = site.webhooks, Target("calls.webhookendpoint")
    if hooks.disabled:
        names = ", ".join(each.name for each in hooks.disabled)
        note = f"disabled, because nothing was delivered: {names}"
        return Figure("Webhooks", f"{len(hooks.disabled)} disabled", Level.BAD, note, target)
    if hooks.failing:
        names = ", ".join(each.name for each in hooks.failing)
        return Figure("Webhooks", f"{len(hooks.failing)} failing", Level.WARN, names, target)
    if not hooks.enabled:
        return Figure("Webhooks", "None set up", target=target)
    late = hooks.oldest_s >= LATE_WEBHOOKS_S
    note = f"{hooks.waiting:,} waiting, the oldest for {span(hooks.oldest_s)}"
    level = Level.WARN if late else Level.OK
    return Figure("Webhooks", f"{hooks.enabled} OK", level, note if hooks.waiting else "", target)


def _disk(site: Overview) -> Figure:
    label = "Free disk space"
    if site.storage_problem:
        return Figure(label, "Not writable", Level.BAD, site.storage_problem)
    if site.media is None:
        return Figure(label, "Unknown", note="recordings are stored elsewhere")
    return Figure(
        label, filesizeformat(site.media.free), _level_of_space(site.media), _used(site.media)
    )


def _level_of_space(space: Space) -> Level:
    share = space.free / space.total if space.total else 0
    return Level.BAD if share < NO_SPACE else Level.WARN if share < LITTLE_SPACE else Level.OK


def _used(space: Space) -> str:
    share = 100 * space.free / space.total if space.total else 0
    low = ", low" if _level_of_space(space) is not Level.OK else ""
    return f"{share:.0f} % of {filesizeformat(space.total)}{low}"


def _database(site: Overview) -> Figure:
    return Figure("Database", filesizeformat(site.database_bytes))


def _lock_outs(site: Overview) -> Figure:
    target = Target("axes.accessattempt")
    if not site.locked_out:
        return Figure("Locked out", "Nobody", Level.OK, "", target)
    note = "after too many wrong passwords"
    return Figure("Locked out", f"{site.locked_out:,}", Level.WARN, note, target)


def _api_keys(site: Overview) -> Figure:
    """Warn of keys that expire soon, and for a while of expired ones that somebody may miss."""
    target = Target("calls.apikey")
    expired = [key for key in site.keys if key.has_expired(site.now)]
    lately = [key for key in expired if key.expires_at and site.now - key.expires_at < MISSED_FOR]
    soon = [key for key in site.keys if key.expires_soon(site.now)]
    valid = f"{len(site.keys) - len(expired):,} valid" if site.keys else "None"
    if not lately and not soon:
        return Figure("API keys", valid, Level.PLAIN, "", target)
    notes = [f"{key.name} expired {_ago(key.expires_at, site)}" for key in lately]
    notes += [f"{key.name} expires {_ahead(key.expires_at, site)}" for key in soon]
    return Figure("API keys", valid, Level.WARN, ", ".join(notes), target)


def _ago(at: datetime | None, site: Overview) -> str:
    return f"{span((site.now - at).total_seconds())} ago" if at else ""


def _ahead(at: datetime | None, site: Overview) -> str:
    return f"in {span((at - site.now).total_seconds())}" if at else ""


@dataclass(frozen=True)
class Trouble:
    """One recent error: what it happened to, in ``target``, and when."""

    kind: str
    name: str
    error: str
    at: datetime
    model: str
    pk: object
    call_id: str = ""


def troubles_of(site: Overview, *, limit: int = 8) -> list[Trouble]:
    """Return the newest errors of all kinds."""
    found = sorted(_troubles(site), key=lambda trouble: trouble.at, reverse=True)
    return found[:limit]


def _troubles(site: Overview) -> Iterator[Trouble]:
    for call in site.failed_calls:
        yield Trouble(
            "Call failed",
            call.call_id,
            call.last_error,
            call.state_changed_at,
            "calls.call",
            call.pk,
            call.call_id,
        )
    for attempt in site.failed_attempts:
        yield Trouble(
            "Attempt failed",
            attempt.call.call_id,
            attempt.error or attempt.code or str(attempt.outcome),
            attempt.finished_at or attempt.started_at,
            "calls.attempt",
            attempt.pk,
            attempt.call.call_id,
        )
    for job in site.failed_jobs:
        yield Trouble(
            "Job failed",
            job.func.rpartition(".")[2],
            str(job.result or ""),
            job.stopped,
            "django_q.failure",
            job.pk,
        )
    for endpoint in site.webhooks.failing:
        if endpoint.failing_since:
            yield Trouble(
                "Webhook failing",
                endpoint.name,
                "Its last delivery failed.",
                endpoint.failing_since,
                "calls.webhookendpoint",
                endpoint.pk,
            )
