"""Calls in the search index, and queries to it."""

from __future__ import annotations

from calls.models import Analysis, Call
from calls.search.find import Search
from calls.search.index import (
    words_of,
    write_entries,
)
from calls.search.query import parse


def turn(speaker: str, text: str, at: int = 0) -> dict:
    return {"speaker": speaker, "begin_ms": at, "end_ms": at + 900, "text": text, "words": [],
            "sentiment": "NEUTRAL", "score": 0.0}  # fmt: skip


def analysis_of(call: Call, *turns: tuple[str, str], summary: str = "", **fields) -> Analysis:
    said = [turn(speaker, text, 1000 * at) for at, (speaker, text) in enumerate(turns)]
    return Analysis(call=call, version=1, turns=said, summary=summary, **fields)


def index(*analyses: Analysis) -> None:
    write_entries(analyses, {each.call_id: words_of(each) for each in analyses})


def ask(query: str, **options) -> list[str]:
    found = Search(Call.objects.all(), parse(query, **options)).matching
    return sorted(found.values_list("call_id", flat=True))
