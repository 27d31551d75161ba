"""What an agent or a queue shows on its list: live calls, today's figures and open alerts."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Max
from django.utils import timezone

from calls.models import Alert, Call
from calls.models.alert import level_of
from calls.reports.figures import By, Figures, Scope, figures_by
from calls.reports.period import last_days
from calls.visibility import in_sight

# Names that had a call among this many newest ones are listed even if they have none today.
KNOWN_FROM = 2000
NEGATIVE, POSITIVE = Call.Sentiment.NEGATIVE, Call.Sentiment.POSITIVE


def customer_of(call: Call) -> str:
    """Return the number of the customer: who called us, or whom we called."""
    is_ours = call.direction == Call.Direction.OUTBOUND
    return call.callee if is_ours else call.caller


@dataclass(frozen=True)
class Card:
    """An agent or a queue. An empty name stands for calls that have none.

    ``live`` holds its live calls, the longest first. ``last_ended_at`` is the end of the last of
    today's calls.
    """

    name: str
    today: Figures
    live: tuple[Call, ...]
    open_alerts: int
    worst_alert: int
    last_ended_at: datetime | None

    @property
    def longest(self) -> Call | None:
        return self.live[0] if self.live else None

    @property
    def customer(self) -> str:
        """Who the longest live call is with."""
        return customer_of(self.live[0]) if self.live else ""

    @property
    def others(self) -> int:
        """The number of live calls besides the longest."""
        return max(0, len(self.live) - 1)

    @property
    def alert_level(self) -> str:
        return level_of(self.worst_alert)

    @property
    def customers_now(self) -> dict[str, int]:
        """How many customers of live calls are positive, neutral and negative."""
        felt = [call.customer_sentiment for call in self.live]
        return {each.label.lower(): felt.count(each) for each in Call.Sentiment}

    @property
    def badness(self) -> tuple[float, ...]:
        """The greater, the worse: open alerts, then customers' sentiment now, then today's."""
        now = self.customers_now
        return (
            self.worst_alert,
            now["negative"] - now["positive"],
            self.open_alerts,
            self.today.negative_percent or 0,
            self.today.calls,
        )


def read_cards(by: By, *, now: datetime) -> list[Card]:
    """Return a card for everybody with a call today, a live call, or an open alert.

    Names of the newest earlier calls are included, so that the absence of somebody without a call
    today is noticed.
    """
    scope = Scope(last_days(1, now=now, zone=timezone.get_current_timezone()))
    today, live, alerts = figures_by(by, scope), _live(by), _open_alerts(by)
    ended = _last_ended(by, scope)
    known = in_sight(Call.objects.order_by("-id")).values_list(by, flat=True)[:KNOWN_FROM]
    names = {*today, *live, *alerts, *known}
    return [
        Card(
            name,
            today.get(name, Figures()),
            tuple(live.get(name, ())),
            *alerts.get(name, (0, 0)),
            ended.get(name),
        )
        for name in names
    ]


def _live(by: By) -> dict[str, list[Call]]:
    found: defaultdict[str, list[Call]] = defaultdict(list)
    for call in in_sight(Call.objects.live()).order_by("opened_at", "id"):
        found[getattr(call, by)].append(call)
    return dict(found)


def _open_alerts(by: By) -> dict[str, tuple[int, int]]:
    rows = in_sight(Alert.objects.open(), "call__").order_by().values(group=F(f"call__{by}"))
    counted = rows.annotate(count=Count("pk"), worst=Max("severity"))
    return {row["group"]: (row["count"], row["worst"]) for row in counted}


def _last_ended(by: By, scope: Scope) -> dict[Any, Any]:
    ended = scope.calls().exclude(ended_at=None).values(by).annotate(at=Max("ended_at"))
    return dict(ended.values_list(by, "at"))
