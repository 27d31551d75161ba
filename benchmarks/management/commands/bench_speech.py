"""``manage.py bench_speech``: how accurate the local provider is on the recorded calls."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import IO, Any, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.table import Column, Table

from benchmarks.rig.packages import require
from benchmarks.rig.sites import LOCAL_MODELS, scratch_site
from benchmarks.speech.accuracy import Score, compare, judge_call
from benchmarks.speech.judged_scripts import judge_spoken, judge_text, total
from benchmarks.speech.synthetic_voice import VOICES, synthesisers
from benchmarks.speech.text_scripts import text_scripts
from calls.conversation import SPEAKERS
from calls.simulation.scripts import DEMO_CALLS

WIDTH = 140
LINES = {"a perfect line": 0.0, "2 % lost, 5 % late, 5 % twice": 0.02}


class Command(BaseCommand):
    help = (
        "Send the recorded calls as 20 ms packets through the write path and the local provider, "
        "over a perfect and a bad line, and compare the results with the script: words, "
        "turns, talk time, sentiment and personal data. The run uses its own database. Fails if "
        "a bar is missed."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", metavar="FILE", help="also write the documents as JSON")
        parser.add_argument(
            "--speak", action="append", default=[], choices=sorted(VOICES),
            help="also read the written scripts with this synthesiser, if it is installed; "
            "repeatable",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        require("jiwer")
        self.stdout.ending = ""  # rich writes its own line ends
        console = Console(file=cast(IO[str], self.stdout), width=WIDTH, highlight=False)
        kept, missed = {}, []
        for title, loss in LINES.items():
            result = _analyse(loss)
            kept[title] = result["documents"]
            scores = [judge_call(_truth(each["call_id"]), each) for each in result["documents"]]
            missed += [bar for bar in _report(console, title, scores, result) if not bar.passed]
        _report_scripts(console, options["speak"])
        if options["json"]:
            Path(options["json"]).write_text(json.dumps(kept, indent=1), encoding="utf-8")
        if missed:
            raise CommandError("A bar is missed.")


def _analyse(loss: float) -> dict[str, Any]:
    with scratch_site(**LOCAL_MODELS) as site:
        result: dict[str, Any] = site.ask("benchmarks.speech.spoken_calls", loss)
    return result


def _truth(call_id: str) -> dict[str, Any]:
    truth: dict[str, Any] = json.loads((DEMO_CALLS / f"{call_id}.json").read_text("utf-8"))
    return truth


def _report(
    console: Console, title: str, scores: Sequence[Score], result: dict[str, Any]
) -> list[Any]:
    console.print(_table(title, scores))
    audio_s = sum(each["duration_ms"] for each in result["documents"]) / 1000
    spent_s = result["spent_s"]
    console.print(
        f"{audio_s:.0f} s of calls in {spent_s:.1f} s: {audio_s / spent_s:.1f} x real time"
    )
    bars = compare(scores)
    for bar in bars:
        console.print(str(bar), style="green" if bar.passed else "red")
    return bars


def _table(title: str, scores: Sequence[Score]) -> Table:
    names = ("wrong words", "turns", "in time", "median", "worst", "talk time")
    table = Table(
        Column("call", no_wrap=True),
        *(Column(name, justify="right", no_wrap=True) for name in names),
        *(Column(name, no_wrap=True) for name in ("sentiment (truth)", "trend (truth)", "removed")),
        Column("needless", justify="right", no_wrap=True),
        title=title,
        title_justify="left",
    )
    for score in scores:
        table.add_row(*_cells(score))
    return table


def _cells(score: Score) -> list[str]:
    return [
        score.name,
        f"{100 * score.word_error_rate:.1f} %",
        f"{score.turns_found}/{score.turns}",
        f"{score.in_time}/{score.turns}",
        f"{median(score.off_ms):.0f} ms",
        f"{max(score.off_ms)} ms",
        " ".join(f"{100 * score.talk_off[who]:+.0f}%" for who in SPEAKERS),
        _against(score.sentiment, score.sentiment_truth),
        _against(score.trend, score.trend_truth),
        f"{score.redacted}/{score.planted}",
        str(score.false_positives),
    ]


def _report_scripts(console: Console, speakers: Sequence[str]) -> None:
    missing = sorted(set(speakers) - set(synthesisers()))
    if missing:
        raise CommandError(f"Not installed: {', '.join(missing)}.")
    readings = {"written": [judge_text(script) for script in text_scripts()]}
    for name in speakers:
        readings[f"spoken by {name}"] = [judge_spoken(each, name) for each in text_scripts()]
    for title, scores in readings.items():
        sum_ = total(scores)
        console.print(
            f"{sum_.scripts} scripts, {title}: {100 * sum_.word_error_rate:.0f} % of the words "
            f"wrong, {sum_.redacted} of {sum_.planted} personal items removed, {sum_.needless} "
            f"needless removals, {sum_.trends} trends and {sum_.moods} sentiments right"
        )


def _against(found: str, truth: str) -> str:
    found, truth = found.lower(), truth.lower()
    return found if found == truth else f"{found} ({truth})"
