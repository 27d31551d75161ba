"""The read model of bulk actions: the selected calls, the question before, and the progress."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet
from django.http import QueryDict

from calls.actions import ACTIONS, IN_BULK, Action, ManyCalls
from calls.actions.bulk import LIMIT, count_outcomes
from calls.holds.services import mark_held
from calls.lifecycle import CallState
from calls.models import BulkAction, BulkItem, Call
from calls.visibility import active, in_sight
from supervisor.bulk.criteria import criteria
from supervisor.lists import List
from supervisor.ordering import LIVE_FIRST
from supervisor.selection import PAGE_SIZE, PAGE_SIZES, Filter

Kind = BulkAction.Kind
CHOSEN_LIMIT = max(PAGE_SIZES)  # calls selected one by one: every row of the longest page
REFUSED_SHOWN = 200
SAMPLE = 10  # calls that the question names
LISTED = 50


STATE_CHOICES = dict(CallState.choices)


@dataclass(frozen=True)
class Share:
    """The selected calls in one state. ``is_meant``: the action applies to this state."""

    state: str
    label: str
    count: int
    is_meant: bool


@dataclass(frozen=True)
class Selection:
    """The selected calls: some by id, or all that match a filter.

    ``asked`` are those that the question counted, None before there was one. ``origin`` is the list
    in which they were selected.
    """

    scope: str
    call_ids: tuple[str, ...]
    wanted: Filter
    asked: tuple[int, ...] | None
    origin: List

    @classmethod
    def from_form(cls, form: QueryDict) -> Selection:
        """Read the form of the wallboard or of the question. Ignore invalid values."""
        named = form.getlist("call")[:CHOSEN_LIMIT]
        wanted = Filter.from_query(_as_query(form.get("query", ""))).first_page()
        return cls(
            scope="all" if form.get("scope") == "all" else "chosen",
            call_ids=tuple(each for each in named if "\0" not in each),
            wanted=wanted,
            asked=_as_keys(form.get("asked", "")) if "asked" in form else None,
            origin=List.read(form.get("list", wanted.query_string)),
        )

    @property
    def is_all(self) -> bool:
        return self.scope == "all"

    @property
    def address(self) -> str:
        """The filter, for the audit record; empty if the calls were selected one by one."""
        if not self.is_all:
            return ""
        return self.wanted.first_page(sort=LIVE_FIRST, size=PAGE_SIZE, columns="").address()

    def calls(self) -> QuerySet[Call]:
        if not self.is_all:
            named = [each.replace("\0", "") for each in self.call_ids]
            return in_sight(Call.objects.filter(call_id__in=named))
        calls = self.wanted.apply(Call.objects.all())
        # A call that matches only since the question is not part of the action.
        return calls if self.asked is None else calls.filter(pk__in=self.asked)

    def call_ids_now(self) -> list[str]:
        """Return the call ids, oldest first. LIMIT + 1 of them means too many."""
        return list(self.calls().order_by("pk").values_list("call_id", flat=True)[: LIMIT + 1])


def _as_query(text: str) -> Mapping[str, Any]:
    return QueryDict(text.removeprefix("?")[:2000])


def _as_keys(text: str) -> tuple[int, ...]:
    # 18 digits always fit a key of 64 bits.
    named = [each for each in text.split(",") if each.isascii() and each.isdigit()]
    return tuple(int(each) for each in named[: LIMIT + 1] if len(each) < 19)


@dataclass(frozen=True)
class BulkQuestion:
    """The confirmation before an action: the calls in each state, and the first of them by name.

    ``asked`` are the calls, unless they are too many.
    """

    kind: Kind
    selection: Selection
    shares: list[Share]
    asked: list[int]
    sample: list[Call]

    @property
    def action(self) -> Action:
        return ACTIONS[self.kind]

    @property
    def meaning(self) -> ManyCalls:
        return IN_BULK[self.kind]

    @property
    def total(self) -> int:
        return sum(share.count for share in self.shares)

    @property
    def meant(self) -> int:
        return sum(share.count for share in self.shares if share.is_meant)

    @property
    def more(self) -> int:
        """The number of calls that the sample leaves out."""
        return self.total - len(self.sample)

    @property
    def criteria(self) -> list[str]:
        return criteria(self.selection.wanted)

    @property
    def limit(self) -> int:
        return LIMIT

    @property
    def is_too_many(self) -> bool:
        return self.total > LIMIT

    @property
    def takes_tag(self) -> bool:
        return "tag" in self.action.takes

    @property
    def takes_reason(self) -> bool:
        return "reason" in self.action.takes

    @property
    def button(self) -> str:
        calls = f"{self.meant:,} call{'' if self.meant == 1 else 's'}"
        return self.meaning.button.format(calls=calls)


def read_question(kind: Kind, selection: Selection) -> BulkQuestion:
    rows = list(selection.calls().order_by("-pk").values_list("pk", "state")[: LIMIT + 1])
    found: Mapping[str, int] = Counter(state for _, state in rows)
    if len(rows) > LIMIT:
        counts = selection.calls().order_by().values_list("state").annotate(n=Count("pk"))
        found, rows = dict(counts), []
    shares = [
        Share(state, STATE_CHOICES[state], found[state], state in ACTIONS[kind].states)
        for state in CallState.values
        if state in found
    ]
    asked = [pk for pk, _ in rows]
    chosen = Call.objects.filter(pk__in=asked[:SAMPLE]) if asked else selection.calls()
    sample = list(chosen.order_by("-pk")[:SAMPLE])
    mark_held(sample)
    return BulkQuestion(kind, selection, shares, asked, sample)


@dataclass(frozen=True)
class Progress:
    """The progress of an action, and the calls that it was refused for."""

    action: BulkAction
    done: int
    refused: int
    waiting: int
    reasons: list[tuple[str, int]]
    refusals: list[BulkItem]

    @property
    def worked(self) -> int:
        return self.done + self.refused

    @property
    def is_running(self) -> bool:
        return self.action.finished_at is None

    @property
    def meaning(self) -> ManyCalls:
        return IN_BULK[self.action.kind]

    @property
    def is_queued(self) -> bool:
        """Whether the calls themselves are worked on only after the action."""
        return self.meaning.done != ManyCalls.done

    @property
    def is_removal(self) -> bool:
        """Whether the calls are gone afterwards."""
        return ACTIONS[self.action.kind].removes

    @property
    def criteria(self) -> list[str]:
        """The filter that selected the calls, in words; empty if they were selected one by one."""
        return criteria(Filter.from_query(_as_query(self.action.query)))


def read_progress(action: BulkAction) -> Progress:
    counts = count_outcomes(action)
    refused = action.items.filter(outcome=BulkItem.Outcome.REFUSED)
    reasons = refused.order_by().values_list("reason").annotate(n=Count("pk")).order_by("-n")
    return Progress(
        action,
        counts["done"],
        counts["refused"],
        counts["waiting"],
        list(reasons[:10]),
        list(refused.order_by("id")[:REFUSED_SHOWN]),
    )


@dataclass(frozen=True)
class Listed:
    """An action in the list, with its outcome so far."""

    action: BulkAction
    done: int
    refused: int

    @property
    def meaning(self) -> ManyCalls:
        return IN_BULK[self.action.kind]


def actions_of(by: str) -> QuerySet[BulkAction]:
    """Return the actions that a user may see: all, or only their own."""
    actions = BulkAction.objects.all()
    return actions if active().is_all else actions.filter(by=by)


def read_recent(by: str) -> list[Listed]:
    """Return the newest actions with their outcomes, in two queries."""
    actions = list(actions_of(by).order_by("-id")[:LISTED])
    items = BulkItem.objects.filter(action__in=actions).order_by()
    rows = items.values_list("action", "outcome").annotate(n=Count("pk"))
    found = {(action, outcome): n for action, outcome, n in rows}
    return [
        Listed(
            action,
            found.get((action.pk, BulkItem.Outcome.DONE), 0),
            found.get((action.pk, BulkItem.Outcome.REFUSED), 0),
        )
        for action in actions
    ]
