"""Fills an archive with analysed calls of invented speech, and measures queries on it.

`python -m benchmarks.search.archive fill COUNT | ask TIMES | plans` runs in its own process,
because Django's settings name one database. It prints one line of JSON.

Words are drawn by Zipf's law from a list sorted by frequency, as in natural language: every
thirtieth word is the most frequent one, and half of the list occurs in a few calls only.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import accumulate, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django
from django.db import connection, transaction
from django.utils import timezone

if TYPE_CHECKING:
    from calls.models import Analysis, Call, Transcript

VOCABULARY = (
    Path(__file__).parents[2] / "calls" / "analysis" / "providers" / "local" / "data" / "vocab.txt"
)
BLOCK = 500
TURNS = 20  # in the average call
WORDS = 12  # in the average turn
MOODS = ("POSITIVE", "NEUTRAL", "NEGATIVE")
TRENDS = ("improving", "steady", "worsening")
# Sentences to search for, and the share of calls in which they are said.
SAID = (
    ("thank you very much", 0.6),
    ("i would like a refund please", 0.05),
    ("i want to cancel my contract", 0.02),
    ("this is quite unacceptable", 0.005),
    ("the bandersnatch has landed", 0.0002),
)
# Name, words, filters, and the bar in ms.
QUESTIONS: tuple[tuple[str, str, dict[str, str], int], ...] = (
    ("common word", "the", {}, 300),
    ("rare word", "bandersnatch", {}, 50),
    ("word in 5 % of calls", "refund", {}, 300),
    ("two words", "refund cancel", {}, 300),
    ("common phrase", '"thank you"', {}, 300),
    ("rare phrase of common words", '"you the very"', {}, 1_000),
    ("a word in no call", "galumphing", {}, 50),
    ("common word without another", "the -thank", {}, 300),
    ("either of two words", "unacceptable OR bandersnatch", {}, 300),
    ("prefix of words", "canc*", {}, 300),
    ("said by one side", "customer:refund -agent:sorry", {}, 300),
    ("common word, one queue", "the", {"queue": "queue-7"}, 300),
    ("common word, rare agent", "the", {"agent": "agent-199"}, 300),
    ("common word, one old day", "the", {"opened_before": "LONG AGO"}, 300),
    ("common word, long calls", "the", {"duration_min_s": "900"}, 300),
    ("rare word, negative", "unacceptable", {"customer_sentiment": "NEGATIVE"}, 300),
    ("no words, one queue", "", {"queue": "queue-7"}, 300),
)


def fill(count: int) -> dict[str, Any]:
    """Store ``count`` archived calls with their analyses, and leave them as if they were old."""
    begin = time.perf_counter()
    # The same archive in every run, so that figures can be compared.
    dice = random.Random(1)
    makers = _Makers(dice, count)
    turns, spent = 0, 0.0
    for first in range(0, count, BLOCK):
        said, in_index = _store(makers, range(first, min(first + BLOCK, count)))
        turns, spent = turns + said, spent + in_index
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM (ANALYZE)")
        else:
            cursor.execute("ANALYZE")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return {
        "calls": count,
        "turns": turns,
        "seconds": time.perf_counter() - begin,
        "index_ms_per_call": 1000 * spent / count,
        **_sizes(),
    }


class _Makers:
    """Makes calls and their turns, the same ones every time."""

    def __init__(self, dice: random.Random, count: int) -> None:
        self.dice, self.count, self.now = dice, count, timezone.now()
        lines = VOCABULARY.read_text(encoding="utf-8").split()
        self.words = [word for word in lines if word.isalpha() and word.isascii() and len(word) > 1]
        # With Mandelbrot's 2.7, Zipf's law fits the most frequent words better.
        self.weights = list(accumulate(1 / (rank + 2.7) for rank in range(len(self.words))))

    def call(self, number: int) -> Call:
        from calls.models import Call

        dice = self.dice
        opened_at = self.now - timedelta(days=365) * (1 - number / self.count)
        return Call(
            call_id=f"archived-{number}",
            state="ARCHIVED",
            queue=f"queue-{min(int(dice.expovariate(0.3)), 9)}",
            agent=f"agent-{min(int(dice.expovariate(0.02)), 199)}",
            opened_at=opened_at,
            ended_at=opened_at + timedelta(seconds=dice.expovariate(1 / 300)),
            customer_sentiment=dice.choice(MOODS),
            customer_trend=dice.choice(TRENDS),
            agent_sentiment=dice.choice(MOODS),
            agent_trend=dice.choice(TRENDS),
        )

    def turns(self) -> list[dict[str, Any]]:
        dice = self.dice
        count = 1 + int(dice.expovariate(1 / (TURNS - 1)))
        texts = [self._sentence(1 + int(dice.expovariate(1 / (WORDS - 1)))) for _ in range(count)]
        for sentence, share in SAID:
            if dice.random() < share:
                texts[dice.randrange(count)] += f" {sentence}."
        return [
            {
                "speaker": ("agent", "customer")[at % 2],
                "begin_ms": at * 5000,
                "end_ms": at * 5000 + 4500,
                "text": text,
                "words": [],
                "sentiment": "NEUTRAL",
                "score": 0.0,
            }
            for at, text in enumerate(texts)
        ]

    def _sentence(self, length: int) -> str:
        return " ".join(self.dice.choices(self.words, cum_weights=self.weights, k=length))

    def analysis(self, call: Call, transcript: Transcript) -> Analysis:
        from calls.models import Analysis

        return Analysis(
            call=call,
            transcript=transcript,
            version=1,
            turns=self.turns(),
            summary=self._sentence(25),
            keywords=self._sentence(5).split(),
            metrics={},
            created_at=self.now,
        )


def _store(makers: _Makers, numbers: range) -> tuple[int, float]:
    """Store a block of calls. Return the number of turns and the seconds spent on the index."""
    from calls.models import Analysis, Call, Transcript
    from calls.search.index import words_of, write_entries

    with transaction.atomic():
        calls = Call.objects.bulk_create(makers.call(number) for number in numbers)
        transcripts = Transcript.objects.bulk_create(
            Transcript(
                call=call, version=1, duration_ms=0, turns=[], speech={}, created_at=makers.now
            )
            for call in calls
        )
        made = list(map(makers.analysis, calls, transcripts))
        Analysis.objects.bulk_create(made)
        begin = time.perf_counter()
        write_entries(made, {analysis.call_id: words_of(analysis) for analysis in made})
        spent = time.perf_counter() - begin
    return sum(len(analysis.turns) for analysis in made), spent


def _sizes() -> dict[str, float]:
    """Return the sizes of the index and of the analyses in MB."""
    if connection.vendor == "postgresql":
        size = "SELECT pg_total_relation_size('calls_{}') / 1e6"
        queries = {name: size.format(name) for name in ("searchentry", "analysis")}
    else:
        size = "SELECT sum(length({})) / 1e6 FROM {}"
        queries = {
            "searchentry": "SELECT (SELECT sum(length(block)) FROM calls_fulltext_data) / 1e6 + "
            "(SELECT sum(length(words)) FROM calls_searchentry) / 1e6",
            "analysis": size.format("turns", "calls_analysis"),
        }
    with connection.cursor() as cursor:
        found = {}
        for name, query in queries.items():
            cursor.execute(query)
            found[f"{name}_mb"] = round(float(cursor.fetchone()[0]), 1)
    return found


def ask(times: int) -> list[dict[str, Any]]:
    """Read the first page of every query ``times`` times, and return how long it took."""
    return [_ask(*question, times=times) for question in QUESTIONS]


def _ask(
    name: str, words: str, filters: dict[str, str], bar_ms: int, *, times: int
) -> dict[str, Any]:
    from calls.api.filters import CallFilter
    from calls.models import Call
    from calls.search.find import HITS_SHOWN, Search
    from calls.search.query import parse

    oldest = Call.objects.order_by("pk").values_list("opened_at", flat=True)[0]
    given = {key: _meant(value, oldest) for key, value in filters.items()}
    calls = CallFilter(given, queryset=Call.objects.all()).qs

    def first_page() -> tuple[int, int]:
        search = Search(calls, parse(words))
        shown = len(search.read_page(size=20, hits=HITS_SHOWN).found)
        return shown, search.count()

    asked = [_timed(first_page) for _ in range(times)]
    return {
        "name": name,
        "words": words,
        "filters": filters,
        "bar_ms": bar_ms,
        "ms": [ms for ms, _ in asked],
        "shown": asked[0][1][0],
        "found": asked[0][1][1],
    }


def _meant(value: str, oldest: datetime) -> str:
    return (oldest + timedelta(days=1)).isoformat() if value == "LONG AGO" else value


def _timed(act: Callable[[], Any]) -> tuple[float, Any]:
    begin = time.perf_counter()
    result = act()
    return 1000 * (time.perf_counter() - begin), result


def plans() -> Iterator[str]:
    """Yield the database's plan for each query."""
    from calls.api.filters import CallFilter
    from calls.models import Call
    from calls.search.find import Search
    from calls.search.query import parse

    options: dict[str, Any] = {"analyze": True} if connection.vendor == "postgresql" else {}
    for name, words, filters, _ in QUESTIONS:
        calls = CallFilter(filters, queryset=Call.objects.all()).qs
        rows = Search(calls, parse(words)).matching[:21]
        yield "\n".join([f"-- {name}", *islice(rows.explain(**options).splitlines(), 40)])


def main(task: str, count: str = "0") -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "callcenter.settings")
    django.setup()
    answers: dict[str, Callable[[], Any]] = {
        "fill": lambda: fill(int(count)),
        "ask": lambda: ask(int(count)),
        "plans": lambda: list(plans()),
    }
    sys.stdout.write(json.dumps(answers[task]()))


if __name__ == "__main__":
    main(*sys.argv[1:])
