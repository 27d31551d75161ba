"""The page of one agent or queue over a range of days."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import Case, Exists, Max, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import timezone

from calls.holds.services import mark_held
from calls.models import Alert, Call
from calls.models.alert import level_of
from calls.reports.cards import customer_of
from calls.reports.figures import By, Figures, Scope, figures_by, figures_by_day, figures_of
from calls.reports.talk import TalkFigures, read_talk
from calls.visibility import in_sight
from supervisor.people.lists import NAME_LENGTH
from supervisor.people.ranges import Range
from supervisor.people.trends import Tile, tiles

CALLS_SHOWN = 10
# The worst calls are chosen from this many newest ones, because the archive grows without limit.
WORST_FROM = 5000
_FELT_BAD = Q(customer_sentiment=Call.Sentiment.NEGATIVE)
SHARES_SHOWN = 20
OTHER: dict[By, By] = {"agent": "queue", "queue": "agent"}


@dataclass(frozen=True)
class ListedCall:
    """A call of the page, with the severity of the worst of its alerts, open or not."""

    call: Call
    worst_alert: int

    @property
    def customer(self) -> str:
        return customer_of(self.call)

    @property
    def alert_level(self) -> str:
        return level_of(self.worst_alert)


@dataclass(frozen=True)
class Share:
    """The part that an agent or a queue has in the calls of a page, and its own page."""

    name: str
    figures: Figures
    address: str


@dataclass(frozen=True)
class OnePage:
    """Everything that the page shows. ``days`` are newest first."""

    by: By
    name: str
    range: Range
    live: list[Call]
    total: Figures
    tiles: list[Tile]
    talk: TalkFigures
    days: list[tuple[date, Figures]]
    shares: list[Share]
    latest: list[ListedCall]
    worst: list[ListedCall]
    now: datetime

    @property
    def other(self) -> By:
        return OTHER[self.by]

    @property
    def board(self) -> str:
        """The wallboard's address for the calls of the range; empty for those without a name."""
        return self.calls_from(**self.range.dates)

    def calls_from(self, **dates: str) -> str:
        """Return the wallboard's address for the calls of some days."""
        # The wallboard cannot filter by "no name".
        return f"?{urlencode({self.by: self.name, **dates})}" if self.name else ""

    @property
    def reports(self) -> str:
        """The parameters of the report by day of the API."""
        zone = str(self.range.period.zone)
        return urlencode({self.by: self.name, **self.range.dates, "tz": zone})

    def address(self, **parameters: str) -> str:
        """Return the address of this page with other parameters for the range."""
        return f"?{urlencode({'name': self.name, **parameters})}"


def read_name(query: Mapping[str, Any]) -> str:
    return str(query.get("name", "")).replace("\0", "")[:NAME_LENGTH]


def read_one(by: By, query: Mapping[str, Any]) -> OnePage:
    now, name = timezone.now(), read_name(query)
    chosen = Range.from_query(query, now=now)
    scope = Scope(chosen.period, **{by: name})
    before = replace(scope, period=chosen.period.before)
    days = figures_by_day(scope)
    total = sum(days.values(), Figures())
    talk = read_talk(scope)
    latest, worst = read_latest(scope), read_worst(scope)
    mark_held([each.call for each in (*latest, *worst)])
    return OnePage(
        by=by,
        name=name,
        range=chosen,
        live=list(in_sight(Call.objects.live()).filter(**{by: name}).order_by("opened_at", "id")),
        total=total,
        tiles=tiles(total, figures_of(before), talk, read_talk(before)),
        talk=talk,
        days=list(reversed(days.items())),
        shares=read_shares(OTHER[by], scope, chosen.parameters),
        latest=latest,
        worst=worst,
        now=now,
    )


def read_shares(by: By, scope: Scope, parameters: dict[str, str]) -> list[Share]:
    page = reverse(f"supervisor:{by}")
    found = [
        Share(name, figures, f"{page}?{urlencode({'name': name, **parameters})}")
        for name, figures in figures_by(by, scope).items()
    ]
    return sorted(found, key=lambda each: (-each.figures.calls, each.name.casefold()))[
        :SHARES_SHOWN
    ]


def read_latest(scope: Scope) -> list[ListedCall]:
    return _listed(scope.calls().order_by("-id").values_list("pk", flat=True)[:CALLS_SHOWN])


def read_worst(scope: Scope) -> list[ListedCall]:
    """Calls with an alert or a negative customer: worst alert first, then negative, then newest."""
    newest = scope.calls().order_by("-id").values("pk")[:WORST_FROM]
    bad = Call.objects.filter(_FELT_BAD | Exists(_alerts()), pk__in=newest)
    felt = Case(When(_FELT_BAD, then=0), default=1)
    chosen = _with_worst_alert(bad).order_by("-worst_alert", felt, "-id")
    return _listed(chosen.values_list("pk", flat=True)[:CALLS_SHOWN])


def _listed(pks: Iterable[int]) -> list[ListedCall]:
    """Return these calls in this order."""
    keys = list(pks)
    found = _with_worst_alert(Call.objects.filter(pk__in=keys)).in_bulk(keys)
    return [
        ListedCall(found[pk], getattr(found[pk], "worst_alert", 0)) for pk in keys if pk in found
    ]


def _with_worst_alert(calls: QuerySet[Call]) -> Any:
    worst = _alerts().values("call").annotate(worst=Max("severity")).values("worst")
    return calls.annotate(worst_alert=Coalesce(Subquery(worst), 0))


def _alerts() -> QuerySet[Alert]:
    return Alert.objects.filter(call=OuterRef("pk")).order_by()
