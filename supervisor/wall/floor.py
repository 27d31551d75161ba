"""What happens on the floor now, by queue, in a constant number of queries.

None of them scans the archive: open states, open alerts and the calls of today have indexes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Min, Q, Sum

from calls.clock import site_midnight
from calls.lifecycle import CallState
from calls.models import LASTED, Alert, Call, Severity
from calls.visibility import in_sight
from supervisor.figures import COUNTED
from supervisor.phases import Phase, in_phase

NOTHING = timedelta(0)


@dataclass(frozen=True)
class Handled:
    """The calls that have ended today, and how long they lasted together."""

    calls: int = 0
    lasted: timedelta = NOTHING

    @property
    def average_s(self) -> float | None:
        return self.lasted.total_seconds() / self.calls if self.calls else None


@dataclass(frozen=True)
class QueueFigures:
    """A queue now, and what it handled today. ``oldest_at`` is when its longest call began."""

    queue: str
    live: int = 0
    negative: int = 0
    oldest_at: datetime | None = None
    waiting: int = 0
    failed: int = 0
    critical: int = 0
    warning: int = 0
    notice: int = 0
    handled: Handled = field(default_factory=Handled)

    @property
    def alerts(self) -> int:
        return self.critical + self.warning + self.notice

    @property
    def worst_alert(self) -> str:
        return next((name for name in ("critical", "warning", "notice") if getattr(self, name)), "")

    @property
    def negative_share(self) -> int:
        """The percentage of the live calls whose customer is negative."""
        return round(100 * self.negative / self.live) if self.live else 0

    @property
    def is_in_use(self) -> bool:
        return bool(self.live or self.waiting or self.handled.calls)


@dataclass(frozen=True)
class Floor:
    queues: Mapping[str, QueueFigures]
    now: datetime

    def of(self, queue: str) -> QueueFigures:
        return self.queues.get(queue) or QueueFigures(queue)


def read_floor(now: datetime, handled: Mapping[str, Handled] | None = None) -> Floor:
    """Read the figures of all queues. ``handled`` may have been read a while ago."""
    found = _read_open_calls()
    for queue, counts in _read_alerts().items():
        found[queue] = replace(found.get(queue) or QueueFigures(queue), **counts)
    for queue, done in (read_handled(now) if handled is None else handled).items():
        found[queue] = replace(found.get(queue) or QueueFigures(queue), handled=done)
    return Floor(found, now)


def read_handled(now: datetime) -> dict[str, Handled]:
    """Read the calls that have ended since midnight in the time zone of the site.

    It reads each of them, so callers that ask every second ask for this less often.
    """
    ended = (
        in_sight(Call.objects.filter(ended_at__gte=site_midnight(now))).order_by().values("queue")
    )
    rows = ended.annotate(calls=Count("pk"), lasted=Sum(LASTED))
    return {row["queue"]: Handled(row["calls"], row["lasted"] or NOTHING) for row in rows}


def _read_open_calls() -> dict[str, QueueFigures]:
    # `state IN` can use the index; `NOT state =` cannot.
    open_states = [state for state in CallState.values if state != CallState.ARCHIVED]
    live = in_phase(Phase.LIVE)
    rows = (
        in_sight(Call.objects.filter(state__in=open_states))
        .order_by()
        .values("queue")
        .annotate(
            talking=Count("pk", filter=live),
            negative=Count("pk", filter=live & Q(customer_sentiment=Call.Sentiment.NEGATIVE)),
            oldest_at=Min("opened_at", filter=live),
            waiting=Count("pk", filter=in_phase(Phase.WAITING)),
            failed=Count("pk", filter=in_phase(Phase.FAILED)),
        )
    )
    # `live` would be the name of a relation of calls.
    found: list[dict[str, Any]] = [dict(row) for row in rows]
    return {row["queue"]: QueueFigures(live=row.pop("talking"), **row) for row in found}


def _read_alerts() -> dict[str, dict[str, Any]]:
    # Worst first, so that the worst are counted even if there are more than COUNTED.
    worst = (
        in_sight(Alert.objects.open(), "call__").order_by("-severity", "-id").values("pk")[:COUNTED]
    )
    rows = Alert.objects.filter(pk__in=worst).order_by().values_list("call__queue", "severity")
    counts: dict[str, dict[str, Any]] = {}
    for queue, severity, count in rows.annotate(count=Count("pk")):
        counts.setdefault(queue, {})[Severity(severity).name.lower()] = count
    return counts


def total(queues: Iterable[QueueFigures]) -> QueueFigures:
    """Return several queues as one."""
    several = list(queues)
    names = ("live", "negative", "waiting", "failed", "critical", "warning", "notice")
    sums: dict[str, Any] = {name: sum(getattr(one, name) for one in several) for name in names}
    oldest = min((one.oldest_at for one in several if one.oldest_at), default=None)
    calls = sum(one.handled.calls for one in several)
    lasted = sum((one.handled.lasted for one in several), NOTHING)
    return QueueFigures("", **sums, oldest_at=oldest, handled=Handled(calls, lasted))
