"""The page of all calls over a range of days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.utils import timezone

from calls.holds.services import mark_held
from calls.reports.figures import Figures, Scope, figures_by_day, figures_of
from calls.reports.talk import TalkFigures, read_talk
from supervisor.people.one import ListedCall, Share, read_latest, read_shares, read_worst
from supervisor.people.ranges import Range
from supervisor.people.trends import Tile, tiles


@dataclass(frozen=True)
class SitePage:
    """Everything that the page shows. ``days`` are newest first."""

    range: Range
    total: Figures
    tiles: list[Tile]
    talk: TalkFigures
    days: list[tuple[date, Figures]]
    queues: list[Share]
    agents: list[Share]
    latest: list[ListedCall]
    worst: list[ListedCall]
    now: datetime
    # In the templates that it shares with the page of an agent or queue.
    by: ClassVar[str] = "site"
    name: ClassVar[str] = ""

    @property
    def board(self) -> str:
        """The wallboard's address for the calls of the range."""
        return self.calls_from(**self.range.dates)

    def calls_from(self, **dates: str) -> str:
        """Return the wallboard's address for the calls of some days."""
        return f"?{urlencode(dates)}"

    @property
    def reports(self) -> str:
        """The parameters of the report by day of the API."""
        return urlencode({**self.range.dates, "tz": str(self.range.period.zone)})

    def address(self, **parameters: str) -> str:
        """Return the address of this page with other parameters for the range."""
        return f"?{urlencode(parameters)}"


def read_site(query: Mapping[str, Any]) -> SitePage:
    now = timezone.now()
    chosen = Range.from_query(query, now=now)
    scope = Scope(chosen.period)
    before = replace(scope, period=chosen.period.before)
    days = figures_by_day(scope)
    total = sum(days.values(), Figures())
    talk = read_talk(scope)
    latest, worst = read_latest(scope), read_worst(scope)
    mark_held([each.call for each in (*latest, *worst)])
    return SitePage(
        range=chosen,
        total=total,
        tiles=tiles(total, figures_of(before), talk, read_talk(before)),
        talk=talk,
        days=list(reversed(days.items())),
        queues=read_shares("queue", scope, chosen.parameters),
        agents=read_shares("agent", scope, chosen.parameters),
        latest=latest,
        worst=worst,
        now=now,
    )
