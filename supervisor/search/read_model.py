"""The read model of the search page: the query in its address, its problems, and its results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Self
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import QueryDict
from django.utils import timezone

from calls.alerts.from_search import rule_of
from calls.api.filters import LONGEST_S, CallFilter
from calls.holds.services import mark_held
from calls.lifecycle import CallState
from calls.models import Call
from calls.search.find import COUNT_LIMIT, HITS_SHOWN, Found, ResultPage, Search
from calls.search.query import Node, NotUnderstood, Term, parse, wanted_terms
from calls.search.scope import PLACES, SPEAKERS, sides_of
from calls.visibility import in_sight
from supervisor.search.over_time import Bar, OverTime, read_over_time
from supervisor.selection import is_name

PAGE_SIZE = 20
TEXT_LENGTH = 400  # longer than any valid query, so that a long query is refused, not cut
# Parameters with the same name on the page and in the API, passed on unchanged.
SAME = (
    "state", "queue", "agent", "tag", "alert", "customer_sentiment", "customer_trend",
    "agent_sentiment", "agent_trend",
)  # fmt: skip
# Query parameters that are named differently from their field.
NAMES = {"query": "q", "place": "in", "day_from": "from", "day_to": "to", "zone": "tz"}
LABELS = {
    "q": "Words", "in": "Words in", "speaker": "Said by", "from": "From", "to": "To",
    "opened_after": "From", "opened_before": "To",
    "min": "Minimum minutes", "max": "Maximum minutes",
    "agent_contains": "Agent", "queue_contains": "Queue",
    "duration_min_s": "Minimum minutes", "duration_max_s": "Maximum minutes",
}  # fmt: skip


@dataclass(frozen=True)
class SearchQuestion:
    """The parameters of the address as text, not yet checked."""

    query: str = ""
    speaker: str = ""
    place: str = ""
    day_from: str = ""
    day_to: str = ""
    zone: str = ""
    queue: str = ""
    agent: str = ""
    state: str = ""
    customer_sentiment: str = ""
    customer_trend: str = ""
    agent_sentiment: str = ""
    agent_trend: str = ""
    min: str = ""
    max: str = ""
    tag: str = ""
    alert: str = ""
    chart: str = ""  # "1": show how many calls there are over time
    before: str = ""

    @classmethod
    def from_query(cls, query: Mapping[str, Any]) -> Self:
        return cls(**{each.name: _text(query, _name(each.name)) for each in fields(cls)})

    @property
    def set_filters(self) -> list[str]:
        """The names of the filters in use, without the words."""
        passive = ("query", "zone", "before", "chart")
        return [f.name for f in fields(self) if f.name not in passive and getattr(self, f.name)]

    @property
    def is_empty(self) -> bool:
        return not self.query and not self.set_filters

    @property
    def has_more_filters(self) -> bool:
        """Whether a filter is in use that the page hides under "More filters"."""
        shown = {"speaker", "place", "day_from", "day_to", "queue", "agent"}
        return bool(set(self.set_filters) - shown)

    @property
    def words(self) -> str:
        """The words and where to find them, as parameters for the address of a call."""
        named = {"q": self.query, "speaker": self.speaker, "in": self.place}
        return urlencode({name: value for name, value in named.items() if value})

    def address(self, **changes: Any) -> str:
        """Return the query string of this query with changes, for its first page by default."""
        wanted = replace(self, **{"before": "", **changes})
        named = {_name(f.name): getattr(wanted, f.name) for f in fields(wanted)}
        # Only days depend on the time zone.
        if not (wanted.day_from or wanted.day_to):
            named.pop("tz")
        return f"?{urlencode({name: value for name, value in named.items() if value})}"


def _name(of: str) -> str:
    return NAMES.get(of, of)


def _text(query: Mapping[str, Any], name: str) -> str:
    return str(query.get(name, "")).replace("\0", "").strip()[:TEXT_LENGTH]


@dataclass
class SearchPage:
    """A query and its results. ``problems`` explains invalid values, by label."""

    question: SearchQuestion
    problems: dict[str, str] = field(default_factory=dict)
    page: ResultPage | None = None
    count: int = 0
    export: str = ""
    node: Node | None = None
    over_time: OverTime | None = None

    @property
    def found(self) -> list[Found]:
        return self.page.found if self.page else []

    @property
    def next(self) -> str:
        if self.page is None or self.page.next is None:
            return ""
        return self.question.address(before=str(self.page.next))

    @property
    def more_than(self) -> int:
        """The number at which counting stopped, or 0 if it did not."""
        return COUNT_LIMIT if self.count > COUNT_LIMIT else 0

    @property
    def opener(self) -> str:
        """The address of the search for words that start with this one, or empty if it has none."""
        terms = list(wanted_terms(self.node)) if self.node else []
        query = self.question.query
        is_plain = len(terms) == 1 and isinstance(self.node, Term) and not self.node.is_open
        # The query language allows `*` from three letters on.
        if not is_plain or '"' in query or len(terms[0].words[-1]) < 3:
            return ""
        return self.question.address(query=f"{query}*")

    @property
    def rule(self) -> str:
        """The parameters of the form for a rule on these words; empty if no rule can find them."""
        if rule_of(self.node) is None:
            return ""
        asked = self.question
        given = {"words": asked.query, "speaker": asked.speaker, "in": asked.place}
        named = {"queues": ("queue", asked.queue), "agents": ("agent", asked.agent)}
        given |= {field: name for field, (of, name) in named.items() if name and is_name(of, name)}
        return urlencode({field: value for field, value in given.items() if value})

    @property
    def bars(self) -> list[tuple[Bar, str]]:
        """The bars of the chart, and the address of the search in the days of each."""
        if self.over_time is None:
            return []
        return [
            (bar, self.question.address(day_from=str(bar.first), day_to=str(bar.last)))
            for bar in self.over_time.bars
        ]

    @property
    def chart_address(self) -> str:
        """The address of this search with the chart, or without it if it is shown."""
        return self.question.address(chart="" if self.question.chart else "1")

    states = CallState.choices
    sentiments = Call.Sentiment.choices
    trends = Call.Trend.choices
    speakers = (("", "Anyone"), ("customer", "The customer"), ("agent", "The agent"))
    places = (
        ("", "Everything"),
        ("transcript", "The transcript"),
        ("summary", "The summary"),
        ("note", "Notes"),
    )


def read_search(query: Mapping[str, Any]) -> SearchPage:
    """Run the query in an address. If it has problems, report them and find nothing."""
    answer = SearchPage(SearchQuestion.from_query(query))
    before = _whole_number(answer.question.before, answer.problems)
    search = _understand(answer)
    if search is None:
        return answer
    answer.page = search.read_page(size=PAGE_SIZE, before=before, hits=HITS_SHOWN)
    mark_held([found.call for found in answer.page.found])
    answer.count = search.count()
    if answer.question.chart and answer.found:
        answer.over_time = read_over_time(search, _zone(answer.question.zone))
    return answer


def read_question(query: Mapping[str, Any]) -> Search | None:
    """Return the search that an address asks for; None if it has problems or is empty."""
    return _understand(SearchPage(SearchQuestion.from_query(query)))


def _understand(answer: SearchPage) -> Search | None:
    question = answer.question
    given = _filters(question, answer.problems)
    # The filters of the API check the values, so page and API find the same calls.
    chosen = CallFilter(given, queryset=in_sight(Call.objects.prefetch_related("tags")))
    if not chosen.is_valid():
        for name, texts in chosen.errors.items():
            answer.problems[_label(name)] = " ".join(map(str, texts))
    answer.node = read_words(question, answer.problems)
    answer.export = "&".join(filter(None, (question.words, given.urlencode())))
    # Results of a part of the query would look like those of the whole query.
    return None if answer.problems or question.is_empty else Search(chosen.qs, answer.node)


def read_words(question: SearchQuestion, problems: dict[str, str]) -> Node | None:
    """Parse the words. Return None if there are none, or if they are invalid."""
    for name, value, choices in (
        ("speaker", question.speaker, SPEAKERS),
        ("in", question.place, PLACES),
    ):
        if value not in choices:
            problems[_label(name)] = f"“{value}” is not a valid choice."
            return None
    try:
        sides = sides_of(speaker=question.speaker, place=question.place)
        return parse(question.query, sides=sides)
    except NotUnderstood as error:
        problems[_label("q")] = str(error)
        return None


def _label(name: str) -> str:
    return LABELS.get(name, name.replace("_", " ").capitalize())


def _filters(question: SearchQuestion, problems: dict[str, str]) -> QueryDict:
    """Translate the filters of the page into parameters of the API."""
    given = QueryDict(mutable=True)
    for name in SAME:
        if value := getattr(question, name):
            is_part = name in ("queue", "agent") and not is_name(name, value)
            given[f"{name}_contains" if is_part else name] = value
    zone = _zone(question.zone)
    # `opened_before` excludes its own moment, so the last day ends with the start of the next.
    for name, target, days in (("day_from", "opened_after", 0), ("day_to", "opened_before", 1)):
        if text := getattr(question, name):
            try:
                day = date.fromisoformat(text) + timedelta(days=days)
                given[target] = datetime.combine(day, time.min, zone).isoformat()
            except (ValueError, OverflowError):
                problems[_label(_name(name))] = f"“{text}” is not a date. Write it as 2026-01-31."
    for name, target in (("min", "duration_min_s"), ("max", "duration_max_s")):
        if text := getattr(question, name):
            try:
                given[target] = f"{float(text) * 60:g}"
            except ValueError:
                problems[_label(name)] = (
                    f"“{text}” is not a number of minutes up to {LONGEST_S // 60:,}."
                )
    return given


def _zone(name: str) -> Any:
    """Return the viewer's time zone, which the page's script sends, or else the site's."""
    try:
        return ZoneInfo(name) if name else timezone.get_default_timezone()
    except (ValueError, OSError, KeyError):
        return timezone.get_default_timezone()


def _whole_number(text: str, problems: dict[str, str]) -> int | None:
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) < 19:
        return int(text)
    problems["Page"] = "This address is incomplete. Search again."
    return None
