"""Speaks the written scripts in live calls, and looks for their personal data wherever words go.

Words reach supervisors through the feed, and alerts, webhooks and the log. All of these are checked
during the calls and afterwards.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from typing import Any

from benchmarks.live.callers import Plan
from benchmarks.live.run import RECORDS, Announce, Report, Stage, client, stage
from benchmarks.rig.report import Bar
from benchmarks.rig.servers import RunError
from benchmarks.speech.accuracy import telling
from benchmarks.speech.synthetic_voice import speak, synthesisers
from benchmarks.speech.text_scripts import TextScript, planted, text_scripts
from benchmarks.speech.wording import normalised
from calls.conversation import Turn

AT_ONCE = 4
LONG_PIECE = 5  # digits in a row that stand in no time and no number of a row
# The times of live words are those of voices, and the words of a turn may be in two utterances.
SLACK_MS = 500
_STAMP = re.compile(r"^[\d-]+ [\d:,]+ ")


def measure_leaks(announce: Announce) -> Report:
    """Scripts with planted personal data, spoken live: none of it may be shown anywhere.

    What is misheard beyond recognition stays in the final transcript as well, and is not counted
    as a leak of live words: ``bench_speech`` counts what the final transcript keeps.
    """
    if not synthesisers():
        raise RunError("Speaking the scripts needs flite or espeak-ng: apt-get install flite")
    scripts = [script for script in text_scripts() if script.items]
    report = Report(f"{len(scripts)} spoken scripts with personal data, {AT_ONCE} at once")
    leaks: list[str] = []
    misheard: list[str] = []
    shown = items = 0
    with stage(LOG_LEVEL="DEBUG") as on:
        on.site.execute("-m", RECORDS, "rules")
        for begin in range(0, len(scripts), AT_ONCE):
            some = scripts[begin : begin + AT_ONCE]
            announce(f"scripts {begin + 1} to {begin + len(some)}")
            seen = _play(on, some)
            texts = on.site.ask(RECORDS, "texts")
            for script in some:
                shown += sum(len(each["utterances"]) for each in seen[script.name])
                items += len(script.items)
                turns = on.final(script.name)[script.name]["turns"]
                final = _joined(" ".join(turn["text"] for turn in turns))
                for piece, told in _told(script, seen[script.name], texts.get(script.name, [])):
                    (misheard if piece in final else leaks).append(f"{script.name}: {told}")
        log = "".join(path.read_text() for path in sorted(on.site.folder.glob("*.log")))
        leaks += [f"log: {each}" for each in _logged(scripts, log)]
    report.figures = {
        "planted items": items,
        "utterances in the feed": shown,
        "leaks": leaks,
        "misheard, and in the final transcript too": misheard,
    }
    report.bars = [
        Bar(name="utterances in the feed", value=shown, limit=2 * len(scripts), unit=""),
        Bar(name="leaks", value=len(leaks), limit=1, is_upper=True, unit=""),
    ]
    return report


def _play(on: Stage, scripts: Sequence[TextScript]) -> dict[str, list[dict[str, Any]]]:
    """Return the live transcripts that the feed sent of each call."""
    calls = [Plan(script.name, (script.name,)) for script in scripts]
    load = {"port": on.server.port, "key": on.key, "call_ids": [each.call_id for each in calls]}
    with client("benchmarks.live.subscriber", load) as seen:
        with on.callers(calls) as done:
            done()
        for call in calls:
            on.final(call.call_id)
        found = seen()["messages"]
    return {name: [each for each in found if each["call_id"] == name] for name in load["call_ids"]}


def _told(
    script: TextScript, messages: Sequence[Mapping[str, Any]], texts: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Return the pieces of personal items that were shown, and where."""
    spoken = speak(script, synthesisers()[0]).turns
    truth = planted(script, [asdict(turn) for turn in spoken])
    for item in truth["personal"]:
        turn, pieces = spoken[item["turn"]], telling(item["text"])
        said = {text for each in messages for text in _said_during(turn, each)}
        for text in sorted(said):
            for piece in pieces:
                if piece in _joined(text):
                    yield piece, f"{piece} of {item['text']!r} in the feed as {text!r}"
    guesses = {text for each in messages for text in each["partial"].values() if text}
    told = {*guesses, *(said for text in texts for said in _strings(json.loads(text)))}
    for item in truth["personal"]:
        for text in sorted(told):
            if found := _piece_in(text, item["text"]):
                yield found, f"{found} of {item['text']!r} told in {_around(text, found)!r}"


def _strings(value: Any) -> Iterator[str]:
    """Return the texts of a JSON document.

    Digits count as a number only inside one text: neighbouring figures make no number.
    """
    if isinstance(value, str):
        with suppress(ValueError):
            datetime.fromisoformat(value)
            return
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)


def _piece_in(text: str, item: str) -> str | None:
    joined = _joined(text)
    return next((each for each in _long_pieces(item) if each in joined), None)


def _around(text: str, piece: str) -> str:
    """Return the words beside a piece in a long text."""
    joined = _joined(text)
    at = joined.index(piece)
    return joined[max(0, at - 60) : at + 60] if len(text) > 200 else text


def _said_during(turn: Turn, message: Mapping[str, Any]) -> Iterator[str]:
    for each in message["utterances"]:
        begins, ends = each["begin_ms"] - SLACK_MS, each["end_ms"] + SLACK_MS
        overlaps = begins < turn.end_ms and turn.begin_ms < ends
        if each["speaker"] == turn.speaker and overlaps and each["text"]:
            yield each["text"]


def _logged(scripts: Sequence[TextScript], log: str) -> Iterator[str]:
    items = [item["text"] for each in scripts for item in planted(each, ())["personal"]]
    for line in log.splitlines():
        message = _STAMP.sub("", line)
        for item in items:
            if piece := _piece_in(message, item):
                yield f"{piece} of {item!r} in {message!r}"


def _long_pieces(text: str) -> list[str]:
    runs = re.findall(rf"\d{{{LONG_PIECE},}}", _joined(text))
    return [run[at : at + LONG_PIECE] for run in runs for at in range(len(run) - LONG_PIECE + 1)]


def _joined(text: str) -> str:
    return "".join(normalised(text).split())
