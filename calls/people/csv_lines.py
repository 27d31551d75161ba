"""Reads the lines of a CSV file of agents, and says what is wrong with them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from calls.models.people import AGENT_LENGTH, TEAM_LENGTH, key_of, plain_name

COLUMNS = ("agent", "teams", "account")
ROWS_LIMIT = 20_000
RULE = "The first line names the columns: agent, and if you like teams and account."


@dataclass(frozen=True)
class Row:
    line: int
    agent: str
    teams: tuple[str, ...]
    account: str

    @property
    def key(self) -> str:
        return key_of(self.agent)


def decode(data: bytes) -> str:
    """Return the text of a file. Raises ValueError unless it is UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError("This is not UTF-8. Save it as CSV UTF-8.") from error


def read_rows(text: str, problems: list[str]) -> Iterator[Row]:
    """Yield the valid lines. Add to ``problems`` what is wrong with the others."""
    try:
        lines = list(csv.reader(io.StringIO(text.removeprefix("\ufeff")), strict=True))
    except csv.Error as error:
        problems.append(f"This is not CSV: {error}.")
        return
    header = [name.strip().lower() for name in lines[0]] if lines else []
    if "agent" not in header or not set(header) <= set(COLUMNS) or len(set(header)) < len(header):
        problems.append(f"line 1: {RULE}")
        return
    if len(lines) > ROWS_LIMIT + 1:
        problems.append(f"At most {ROWS_LIMIT:,} lines can be imported at once.")
        return
    for number, cells in enumerate(lines[1:], 2):
        if any(cell.strip() for cell in cells):
            yield from _row(number, header, cells, problems)


def _row(number: int, header: list[str], cells: list[str], problems: list[str]) -> Iterator[Row]:
    if len(cells) != len(header):
        problems.append(f"line {number}: {len(cells)} columns instead of {len(header)}.")
        return
    given = dict(zip(header, (cell.replace("\0", "") for cell in cells), strict=True))
    name = plain_name(given["agent"])
    teams = tuple(filter(None, map(plain_name, given.get("teams", "").split(";"))))
    if not key_of(name) or len(name) > AGENT_LENGTH:
        problems.append(f"line {number}: agent: 1 to {AGENT_LENGTH} characters are needed.")
    elif too_long := [team for team in teams if len(team) > TEAM_LENGTH]:
        problems.append(
            f"line {number}: teams: “{too_long[0][:40]}…” has more than {TEAM_LENGTH} characters."
        )
    else:
        yield Row(number, name, teams, given.get("account", "").strip())
