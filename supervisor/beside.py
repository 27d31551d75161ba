"""The calls beside one in the list that its page came from, in the order of that list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain

from django.db.models import Max, QuerySet
from django.http import QueryDict
from django.utils import timezone

from calls.models import Alert, Call
from calls.reports.figures import By, Scope
from supervisor.alerts.selection import AlertSelection, Offers, read_offers
from supervisor.lists import BOARD, List
from supervisor.ordering import NEWEST, SORTED_LIMIT, Place, after, sort_newest
from supervisor.people.one import read_name
from supervisor.people.ranges import Range
from supervisor.search.read_model import read_question
from supervisor.selection import Filter

Pair = tuple[Call | None, Call | None]


def calls_beside(call: Call, of: List | None, *, me: str = "") -> Pair:
    """Return the calls before and after this one in the list, if it has them.

    ``me`` is the user whose alerts *Mine* shows.
    """
    way = _WAYS.get(of.page) if of else None
    return way(call, QueryDict(of.query), me) if of and way else (None, None)


def _on_board(call: Call, query: QueryDict, me: str) -> Pair:
    wanted = Filter.from_query(query)
    calls = wanted.apply(Call.objects.all())
    if wanted.is_by_age:
        return _by_age(call, calls, wanted.sort)
    return _in_order(call, list(sort_newest(calls, wanted.sort).values_list("pk", flat=True)))


def _by_age(call: Call, calls: QuerySet[Call], sort: str) -> Pair:
    place = Place.of(call)
    before, behind = (
        chain.from_iterable(
            portion[:1] for portion in after(place, calls, sort, backwards=backwards)
        )
        for backwards in (True, False)
    )
    return next(before, None), next(behind, None)


def _in_order(call: Call, pks: Sequence[int]) -> Pair:
    if call.pk not in pks:
        return None, None
    at = pks.index(call.pk)
    found = Call.objects.in_bulk([*pks[max(at - 1, 0) : at], *pks[at + 1 : at + 2]])
    before = found.get(pks[at - 1]) if at else None
    return before, found.get(pks[at + 1]) if at + 1 < len(pks) else None


def _in_search(call: Call, query: QueryDict, me: str) -> Pair:
    search = read_question(query)
    return search.beside(call) if search else (None, None)


def _in_alerts(call: Call, query: QueryDict, me: str) -> Pair:
    """Calls are in the order of their newest alert of the list.

    A call whose alerts were handled meanwhile keeps its place, so that one can go on to the next.
    """
    names_some = any(query.get(name) for name in ("rule", "agent", "queue"))
    offers = read_offers() if names_some else Offers([], [], [])
    wanted = AlertSelection.from_query(query, me=me, offers=offers)
    newest_first = wanted.apply(Alert.objects.order_by("-id")).values_list("call_id", "pk")
    newest: dict[int, int] = {}  # the newest alert of each call, in the order of the page
    for call_pk, alert_pk in newest_first[:SORTED_LIMIT]:
        newest.setdefault(call_pk, alert_pk)
    place = newest.get(call.pk) or call.alerts.aggregate(newest=Max("pk"))["newest"] or 0
    before = [pk for pk, alert_pk in newest.items() if alert_pk > place][-1:]
    behind = [pk for pk, alert_pk in newest.items() if alert_pk < place][:1]
    found = Call.objects.in_bulk([*before, *behind])
    return next(map(found.get, before), None), next(map(found.get, behind), None)


def _on_days(call: Call, query: QueryDict, me: str) -> Pair:
    period = Range.from_query(query, now=timezone.now()).period
    return _by_age(call, Scope(period).calls(), NEWEST)


def _of(by: By) -> Callable[[Call, QueryDict, str], Pair]:
    def beside(call: Call, query: QueryDict, me: str) -> Pair:
        period = Range.from_query(query, now=timezone.now()).period
        scope = Scope(period, **{by: read_name(query)})
        return _by_age(call, scope.calls(), NEWEST)

    return beside


# Lists that are missing here are lists of people, not of calls.
_WAYS: dict[str, Callable[[Call, QueryDict, str], Pair]] = {
    BOARD: _on_board,
    "search": _in_search,
    "alerts": _in_alerts,
    "agent": _of("agent"),
    "queue": _of("queue"),
    "days": _on_days,
}
