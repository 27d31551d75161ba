"""Reads settings from the environment and from ``.env``, and collects what is wrong with them.

Reading never raises: a value that is wrong is noted, and the default is returned. ``check`` ends
the process with one line for each problem, so that all of them can be corrected at once.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

import environ
from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")
BAD_SETTINGS = 2  # the exit status
TRUE, FALSE = ("true", "on", "yes", "1"), ("false", "off", "no", "0")
NAME = re.compile(r"^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=", re.MULTILINE)
SIMILAR, VERY_SIMILAR = 0.75, 0.86
RETIRED = {
    "TRUST_PROXY": "TRUST_PROXY is no longer a setting; list your proxies in TRUSTED_PROXIES.",
}
# Management commands that are services: like a web server, they never choose a profile.
SERVICES = ("qcluster", "web")
NOT_LOCAL = ("PROFILE", "SECRET_KEY", "ALLOWED_HOSTS")


@dataclass(frozen=True)
class Setting:
    """A setting of the service, and the values that it takes, as a phrase."""

    name: str
    takes: str


class Environment:
    """The environment variables of this process, completed by those of a file."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.catalogue: dict[str, Setting] = {}
        self.problems: list[str] = []
        read_file(file)

    def note(self, problem: str) -> None:
        """Note a problem, which ``check`` reports."""
        self.problems.append(problem)

    def text(self, name: str, default: str = "", takes: str = "text") -> str:
        """Return the text of a setting. An empty one counts as not set."""
        self.catalogue[name] = Setting(name, takes)
        return os.environ.get(name, "").strip() or default

    def parsed(self, name: str, parse: Callable[[str], T], default: str, takes: str = "text") -> T:
        """Return what ``parse`` makes of a setting. Its ValueError is a sentence: the problem."""
        try:
            return parse(self.text(name, default, takes))
        except (ValueError, ImproperlyConfigured) as error:
            self.note(str(error))
            return parse(default)

    def flag(self, name: str, *, default: bool) -> bool:
        return self._read(name, _boolean, default, "true or false")

    def number(self, name: str, default: float, low: float, high: float) -> float:
        takes = f"a number from {_plain(low)} to {_plain(high)}"
        return self._read(name, lambda text: _number(text, low, high), default, takes)

    def choice(self, name: str, allowed: Sequence[str], default: str) -> str:
        takes = f"one of {', '.join(allowed)}"
        return self._read(name, lambda text: text if text in allowed else None, default, takes)

    def items(self, name: str, default: Sequence[str]) -> list[str]:
        text = self.text(name, ",".join(default), "a list with commas")
        return [item for each in text.split(",") if (item := each.strip())]

    def span(self, name: str, default: tuple[float, float]) -> tuple[float, float]:
        return self._read(name, _span, default, "seconds, such as 2, or a range, such as 1-3")

    def days(self, name: str, default: str) -> timedelta | None:
        """Return a duration, or None for ``never``."""
        takes = "a number of days, such as 7 or 0.5, or never"
        text = self._read(name, lambda text: text if _is_days(text) else None, default, takes)
        return None if text == "never" else timedelta(days=float(text))

    def _read(self, name: str, parse: Callable[[str], T | None], default: T, takes: str) -> T:
        text = self.text(name, "", takes)
        if not text:
            return default
        if (value := parse(text)) is None:
            self.note(f"{name} is {text!r}; it must be {takes}.")
            return default
        return value

    def check(self) -> None:
        """End the process if a setting is wrong or misspelt, and say so on stderr."""
        own = _names_in(self.file)
        self.problems += [
            text for name, text in RETIRED.items() if _boolean(os.environ.get(name, ""))
        ]
        self.problems += self._misspelt(own, SIMILAR, " in .env")
        # Others may well belong to another program, so they only cause a warning.
        others = [name for name in os.environ if name not in own and name.isupper()]
        for line in self._misspelt(others, VERY_SIMILAR):
            print(line, file=sys.stderr)  # noqa: T201 (there is no log yet)
        if self.problems:
            raise BadSettings(self.problems)

    def _misspelt(self, names: Iterable[str], similarity: float, place: str = "") -> list[str]:
        unknown = [name for name in names if name not in self.catalogue and name not in RETIRED]
        close = {name: get_close_matches(name, self.catalogue, 1, similarity) for name in unknown}
        return [
            f"{name}{place} is not a setting; do you mean {meant[0]}?"
            for name, meant in close.items()
            if meant
        ]


class BadSettings(SystemExit):
    """Ends the process with one line for each problem. Servers and commands let it pass."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(BAD_SETTINGS)
        for problem in problems:
            print(problem, file=sys.stderr)  # noqa: T201


def choose_profile(file: Path, command: Sequence[str]) -> None:
    """Choose the local profile for a management command where nothing is configured.

    Services do not get it: a process meant for production must not start with an open API.
    """
    read_file(file)
    is_configured = any(os.environ.get(name) for name in NOT_LOCAL)
    is_production = _boolean(os.environ.get("DEBUG", "")) is False
    if not (is_configured or is_production or set(command[1:2]) & set(SERVICES)):
        os.environ["PROFILE"] = "local"


def read_file(file: Path) -> None:
    """Complete the environment with the variables of a file, if there is one."""
    if file.is_file():
        environ.Env.read_env(file, overwrite=False, parse_comments=True)


def _names_in(file: Path) -> list[str]:
    return NAME.findall(file.read_text(errors="replace")) if file.is_file() else []


def _boolean(text: str) -> bool | None:
    low = text.strip().lower()
    return True if low in TRUE else False if low in FALSE else None


def _number(text: str, low: float, high: float) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if low <= value <= high else None


def _span(text: str) -> tuple[float, float] | None:
    low, _, high = text.partition("-")
    first, last = _number(low, 0, 86_400), _number(high or low, 0, 86_400)
    return (first, last) if first is not None and last is not None and first <= last else None


def _is_days(text: str) -> bool:
    return text == "never" or _number(text, 0, 36_500) is not None


def _plain(number: float) -> str:
    return f"{number:.15g}"
