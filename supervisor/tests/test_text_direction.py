"""Text that runs from right to left does not mix with the text around it.

A sentence in Arabic ends at its left. Without ``dir="auto"`` on its element, or a ``<bdi>`` around
it, its full stop goes to the wrong side, and a number beside it changes places with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
# Variables that hold what people wrote or said: names, words, notes, tags and titles of rules.
PEOPLE = re.compile(
    r"\b(?:call|data|alert|note|tag|hit|turn|each|said|row|agent|customer|queue)\."
    r"(?:agent|caller|callee|queue|text|said|quote|note|author|by|rule|tag|words|excerpt|summary"
    r"|acknowledged_by|added_by)\b"
    r"|\b(?:tag|alert|queue|agent)\.name\b|\bpage\.summary\b|\bopening\.text\b"
)
# Browsers isolate the text of these, or show no mark-up in them.
PLAIN = {"option", "title", "textarea", "script", "template-block-title"}
VOID = {"input", "use", "path", "rect", "circle", "br", "meta", "link", "img", "col", "hr"}


class Reader(HTMLParser):
    """Finds variables of people in the text of a template, outside ``<bdi>`` and ``dir="auto"``."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[tuple[str, bool]] = []
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            isolates = tag == "bdi" or dict(attrs).get("dir") == "auto" or tag in PLAIN
            self.open.append((tag, isolates))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Nothing can be inside."""

    def handle_endtag(self, tag: str) -> None:
        # Branches of a condition may close what another one has opened.
        for place in range(len(self.open) - 1, -1, -1):
            if self.open[place][0] == tag:
                del self.open[place:]
                return

    def handle_data(self, data: str) -> None:
        if any(isolates for _, isolates in self.open):
            return
        for number in re.findall("\ue000(\\d+)\ue001", data):
            self.found.append(number)


def offences(text: str) -> Iterator[str]:
    """Yield the variables of people that are not isolated."""
    variables: list[str] = []

    def keep(match: re.Match[str]) -> str:
        variables.append(match[1].strip())
        return f"\ue000{len(variables) - 1}\ue001"

    text = re.sub(r"\{%\s*block title\s*%\}.*?\{%\s*endblock\s*%\}", "", text, flags=re.DOTALL)
    text = re.sub(r"\{%.*?%\}|\{#.*?#\}", " ", text, flags=re.DOTALL)
    reader = Reader()
    reader.feed(re.sub(r"\{\{(.*?)\}\}", keep, text, flags=re.DOTALL))
    yield from (variables[int(n)] for n in reader.found if PEOPLE.search(variables[int(n)]))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_user_text_is_isolated_from_the_text_direction(path: Path) -> None:
    assert list(offences(path.read_text())) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<p>{{ call.agent }}</p>", ["call.agent"]),
        ('<p dir="auto">{{ turn.said|highlighted }}</p>', []),
        ("<p>with <bdi>{{ call.caller }}</bdi>, {{ call.queue }}</p>", ["call.queue"]),
        ('<p title="{{ call.agent }}">{{ call.state }}</p>', []),
        ("<option>{{ tag.name }}</option>{% if x %}<b>{% endif %}{{ tag.name }}", ["tag.name"]),
    ],
)
def test_the_scan_finds_what_is_not_isolated(text: str, found: list[str]) -> None:
    assert list(offences(text)) == found
