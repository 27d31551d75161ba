"""Writes docs/settings.md from ``.env.example`` and the values that settings take.

``python -m callcenter.settings_page`` writes it. A test compares it with the settings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from callcenter.configuration.environment import Setting

ROOT = Path(__file__).parents[1]
EXAMPLE, PAGE = ROOT / ".env.example", ROOT / "docs" / "settings.md"
SECTION = re.compile(r"# --- (.+) ---")
LINE = re.compile(r"#([A-Z][A-Z_0-9]*)=(.*?)(?:\s+# (.*))?")
WORD = re.compile(r"[a-z]+(?=[ ,]|$)")  # at the start of a meaning, and no value or address
VALUE = re.compile(r"(\w+)(?=: )")
HEAD = (
    "# Settings\n\n"
    "Set these as environment variables, or in a file `.env` at the root of the checkout. The "
    "environment takes precedence. Copy [.env.example](../.env.example) to start with. If a value "
    "is wrong or a name in `.env` is misspelt, processes do not start: they print one line for "
    "each problem and exit with status 2. A name in the environment that looks misspelt only "
    "causes a warning, because it may belong to another program.\n\n"
    "`python -m callcenter.settings_page` writes this page.\n"
)
TABLE = "\n## {}\n\n| setting | default | takes | meaning |\n|---|---|---|---|\n"


class Row(NamedTuple):
    section: str
    name: str
    default: str
    meaning: str


def rows(text: str) -> Iterator[Row]:
    """Yield the settings that ``.env.example`` lists."""
    section = ""
    for line in text.splitlines():
        if found := SECTION.fullmatch(line):
            section = found[1]
        elif found := LINE.fullmatch(line):
            yield Row(section, found[1], found[2], found[3] or "")


def page(text: str, catalogue: Mapping[str, Setting]) -> str:
    """Return docs/settings.md."""
    parts, section = [HEAD], ""
    for row in rows(text):
        if row.section != section:
            section = row.section
            parts.append(TABLE.format(section))
        takes, meaning = catalogue[row.name].takes, _sentence(row.meaning)
        default = f"`{row.default}`" if row.default else ""
        parts.append(f"| `{row.name}` | {default} | {takes} | {meaning} |\n")
    return "".join(parts)


def _sentence(meaning: str) -> str:
    """Begin with a capital, or set a value that is explained as code."""
    if WORD.match(meaning):
        return meaning[:1].upper() + meaning[1:]
    return VALUE.sub(r"`\1`", meaning, count=1) if VALUE.match(meaning) else meaning


def main() -> None:
    from callcenter.local_settings import env

    PAGE.write_text(page(EXAMPLE.read_text(), env.catalogue))


if __name__ == "__main__":
    main()
