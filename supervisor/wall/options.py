"""What a wall screen shows: its pages, its queues, and how long each page stays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.http import QueryDict

from calls.models import Customers, DisplayScreen, WallPage
from calls.models.wall import QUEUE_LENGTH, QUEUES_LIMIT, ROTATION_MAX_S, ROTATION_MIN_S
from calls.visibility import EVERYTHING, Sight, sight_of_teams

SECONDS = 20


@dataclass(frozen=True)
class Options:
    """Hashable, so that screens that show the same share one reading of the database."""

    pages: tuple[str, ...] = tuple(WallPage.values)
    queues: tuple[str, ...] = ()  # empty: all
    seconds: int = SECONDS
    customers: str = Customers.MASKED
    last_words: bool = True
    theme: str = DisplayScreen.Theme.AUTO
    sight: Sight = EVERYTHING  # of the person or the display; never in an address

    def address(self) -> str:
        """Return the query string of these options. Leave out default values."""
        usual, named = Options(), []
        if self.pages != usual.pages:
            named += [("page", page) for page in self.pages]
        named += [("queue", queue) for queue in self.queues]
        if self.seconds != usual.seconds:
            named.append(("seconds", str(self.seconds)))
        if self.customers != usual.customers:
            named.append(("customers", self.customers))
        if not self.last_words:
            named.append(("words", "0"))
        if self.theme != usual.theme:
            named.append(("theme", self.theme))
        return f"?{urlencode(named)}" if named else ""


def of_screen(screen: DisplayScreen) -> Options:
    return Options(
        pages=tuple(screen.pages),
        queues=tuple(screen.queues),
        seconds=screen.rotation_s,
        customers=screen.customers,
        last_words=screen.last_words,
        theme=screen.theme,
        sight=sight_of_teams(screen.teams),
    )


@dataclass(frozen=True)
class Reading:
    """What an address asks for, and what is wrong with it."""

    options: Options
    problems: tuple[str, ...] = ()


def read_address(query: QueryDict, base: Options | None = None) -> Reading:
    """Read the options in an address.

    For a display, ``base`` holds its settings: the address may choose among its pages and queues,
    and changes seconds and theme, but never shows more than the settings allow.
    """
    problems: list[str] = []
    options = base or Options()
    pages = _chosen("page", query.getlist("page"), options.pages, problems)
    allowed = options.queues or None
    queues = _queues(query.getlist("queue"), allowed, problems)
    options = replace(
        options,
        pages=pages or options.pages,
        queues=queues or options.queues,
        seconds=_seconds(query.get("seconds", ""), options.seconds, problems),
        theme=_one("theme", query, DisplayScreen.Theme.values, options.theme, problems),
    )
    if base is None:
        words = _one("words", query, ["0", "1"], "1", problems)
        options = replace(
            options,
            customers=_one("customers", query, Customers.values, options.customers, problems),
            last_words=words == "1",
        )
    return Reading(options, tuple(problems))


def _chosen(
    name: str, given: list[str], allowed: tuple[str, ...], problems: list[str]
) -> tuple[str, ...]:
    problems += [_not_one_of(name, value, allowed) for value in given if value not in allowed]
    return tuple(value for value in allowed if value in given)


def _queues(
    given: list[str], allowed: tuple[str, ...] | None, problems: list[str]
) -> tuple[str, ...]:
    names = dict.fromkeys(name for each in given if (name := each.replace("\0", "").strip()))
    if len(names) > QUEUES_LIMIT:
        problems.append(f"queue: at most {QUEUES_LIMIT} queues, not {len(names)}")
    if any(len(name) > QUEUE_LENGTH for name in names):
        problems.append(f"queue: a name has at most {QUEUE_LENGTH} characters")
    found = [name for name in names if len(name) <= QUEUE_LENGTH][:QUEUES_LIMIT]
    if allowed is None:
        return tuple(found)
    problems += [_not_one_of("queue", name, allowed) for name in found if name not in allowed]
    return tuple(name for name in found if name in allowed)


def _seconds(text: str, usual: int, problems: list[str]) -> int:
    if not text:
        return usual
    is_number = text.isascii() and text.isdigit() and len(text) < 6
    if is_number and ROTATION_MIN_S <= int(text) <= ROTATION_MAX_S:
        return int(text)
    problems.append(f"seconds: a number from {ROTATION_MIN_S} to {ROTATION_MAX_S} is needed")
    return usual


def _one(name: str, query: QueryDict, allowed: list[str], usual: str, problems: list[str]) -> str:
    value = query.get(name, usual)
    if value in allowed:
        return str(value)
    problems.append(_not_one_of(name, str(value), tuple(allowed)))
    return usual


def _not_one_of(name: str, value: str, allowed: tuple[str, ...]) -> str:
    short = value if len(value) <= 40 else f"{value[:40]}…"
    return f"{name}: “{short}” is not one of {', '.join(allowed)}"
