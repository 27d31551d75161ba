"""Carries out the parts of the benchmark, and compares them with their bars.

Each part uses its own database, web server and worker. Calls are streamed in real time by a client
of its own, so a part takes as long as its calls.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from random import Random
from statistics import median
from typing import Any, cast

import psutil

from benchmarks.live.callers import FRAME_S, PAUSE_FRAMES, Plan
from benchmarks.live.page import open_pages
from benchmarks.live.records import PASSWORD, USER
from benchmarks.rig.databases import ROOT
from benchmarks.rig.load import percentile
from benchmarks.rig.report import Bar
from benchmarks.rig.servers import RunError, Server
from benchmarks.rig.sites import LOCAL_MODELS, Site, scratch_site
from benchmarks.rig.waiting import wait_until
from benchmarks.rig.workers import Worker
from benchmarks.speech.accuracy import word_error_rate
from calls.simulation.scripts import DEMO_CALLS, recording_slugs

RECORDS = "benchmarks.live.records"
STORED = "benchmarks.speech.recorded_calls"
MARGIN_S = 0.2  # that the voice detection adds to the end of an utterance
PACED_PER_S = 100
FEWEST = 10
OPEN_AFTER_S = 1.0
WARM_S = 10.0
ARCHIVE_PATIENCE_S = 300.0
Announce = Callable[[str], None]


@dataclass
class Report:
    """The figures of one part, and its bars."""

    name: str
    figures: dict[str, Any] = field(default_factory=dict)
    bars: list[Bar] = field(default_factory=list)


def shares(values: Sequence[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        "count": len(ordered),
        "median_s": round(percentile(ordered, 50), 2),
        "p95_s": round(percentile(ordered, 95), 2),
        "max_s": round(percentile(ordered, 100), 2),
    }


def plans(
    prefix: str, calls: int, recordings: int, *, seconds: float = 0, apart_s: float = 0
) -> list[Plan]:
    """Return calls that play different recordings first."""
    slugs = recording_slugs()
    return [
        Plan(
            f"{prefix}-{number}",
            tuple(slugs[(number + place) % len(slugs)] for place in range(recordings)),
            start_s=number * apart_s,
            seconds=seconds,
        )
        for number in range(calls)
    ]


def truth_of(plan: Plan) -> list[dict[str, Any]]:
    """Return what is said in a call that plays each of its recordings once."""
    turns: list[dict[str, Any]] = []
    for slug in plan.slugs:
        turns += json.loads((DEMO_CALLS / f"{slug}.json").read_text(encoding="utf-8"))["turns"]
    return turns


class Stage:
    """A site with a web server, a worker, and a key."""

    def __init__(self, site: Site, server: Server, worker: Worker) -> None:
        self.site, self.server, self.worker = site, server, worker
        self.key = site.ask(RECORDS, "key")
        site.execute("-m", RECORDS, "user")

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    @contextmanager
    def callers(self, calls: Sequence[Plan]) -> Iterator[Callable[[], dict[str, Any]]]:
        """Stream calls meanwhile. Yields a function that waits for their end."""
        load = {"port": self.server.port, "key": self.key, "calls": [asdict(c) for c in calls]}
        with client("benchmarks.live.callers", load) as wait:
            yield wait

    def warm_up(self) -> None:
        """Play a short call, so that the worker has loaded its models, as one that has run has."""
        with self.callers(plans("warm", 1, 1, seconds=WARM_S)) as done:
            done()
        self.final("warm")

    def heard(self, prefix: str) -> dict[str, Any]:
        return cast("dict[str, Any]", self.site.ask(RECORDS, "heard", prefix))

    def final(self, prefix: str) -> dict[str, Any]:
        """Wait until the calls are archived, and return their transcripts."""

        def archived() -> dict[str, Any]:
            found: dict[str, Any] = self.site.ask(RECORDS, "final", prefix)
            return found if {each["state"] for each in found.values()} == {"ARCHIVED"} else {}

        return wait_until(
            archived, patience_s=ARCHIVE_PATIENCE_S, what=f"the archive of {prefix}"
        )  # fmt: skip

    def listener(self) -> psutil.Process | None:
        """Return the process of the worker that transcribes live calls."""
        # The report of one that was killed stays for a while.
        named = {each.split(":")[1] for each in self.site.ask(RECORDS, "listeners")}
        children = psutil.Process(self.worker.pid).children(recursive=True)
        return next((each for each in children if str(each.pid) in named), None)


@contextmanager
def client(module: str, load: Mapping[str, Any]) -> Iterator[Callable[[], dict[str, Any]]]:
    client = subprocess.Popen(
        [sys.executable, "-m", module, json.dumps(load)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip

    def wait() -> dict[str, Any]:
        out, _ = client.communicate()
        if client.returncode:
            raise RunError("The client failed. Its error message is above.")
        return cast("dict[str, Any]", json.loads(out))

    try:
        yield wait
    finally:
        client.kill()
        client.wait()


@contextmanager
def stage(**settings: str) -> Iterator[Stage]:
    with (
        scratch_site(**{**LOCAL_MODELS, **settings}) as site,
        site.server() as server,
        site.worker() as worker,
    ):
        worker.wait(site.database)
        yield Stage(site, server, worker)


def measure_four(announce: Announce) -> Report:
    """Four calls at once, all open in pages: how late the words are, and how many are wrong."""
    report = Report("four calls at once")
    calls = plans("four", 4, 2)
    with stage() as on:
        announce("four calls, about two minutes")
        with (
            on.callers(calls) as done,
            open_pages(on.address, USER, PASSWORD) as pages,
        ):
            pages.wait(OPEN_AFTER_S)
            pages.open([each.call_id for each in calls])
            open_at = time.time()
            pages.wait(max(map(seconds_of, calls)))
            sent = done()
            pages.wait(3)
            appeared = {each.call_id: pages.appeared(each.call_id) for each in calls}
        late, early = _lateness(appeared, sent["begun_at"], open_at)
        live, final = on.heard("four"), on.final("four")
    report.figures = {
        "from speech to the page": shares(late),
        "spoken before the pages were open": shares(early),
    }
    wrong_live = _wrong(calls, {k: v["utterances"] for k, v in live.items()})
    wrong_final = _wrong(calls, {k: v["turns"] for k, v in final.items()})
    with stage(LIVE_TRANSCRIPTION="off") as off:
        announce("the same calls without live transcription")
        with off.callers(calls) as done:
            done()
        before = _wrong(calls, {k: v["turns"] for k, v in off.final("four").items()})
    report.figures |= {
        "word error rate live": round(wrong_live, 4),
        "final": round(wrong_final, 4),
        "final without live transcription": round(before, 4),
    }
    ordered = shares(late)
    report.bars = [
        _seen(ordered),
        _below("median from speech to the page", ordered["median_s"], 1.5, "s"),
        _below("p95 from speech to the page", ordered["p95_s"], 3, "s"),
        _below("live words wrong, more than final ones", 100 * (wrong_live - before), 3, "%"),
        _below("final words wrong, more than without", 100 * (wrong_final - before), 0.5, "%"),
    ]
    return report


def _lateness(
    appeared: Mapping[str, Sequence[tuple[int, float]]],
    begun_at: Mapping[str, float],
    open_at: float,
) -> tuple[list[float], list[float]]:
    """Return how many seconds after its end each utterance appeared: of those that ended after the
    pages were open, and of those before, whose words no page could have shown in time.
    """
    late: list[float] = []
    early: list[float] = []
    for call_id, words in appeared.items():
        for end_ms, at in words:
            spoken_at = begun_at[call_id] + end_ms / 1000 - MARGIN_S
            (late if spoken_at >= open_at else early).append(at - spoken_at)
    return late, early


def seconds_of(plan: Plan) -> float:
    """Return how long a call plays."""
    if plan.seconds:
        return plan.start_s + plan.seconds
    from calls.simulation.scripts import load_recording

    frames = sum(len(load_recording(slug).packets) + PAUSE_FRAMES for slug in plan.slugs)
    return plan.start_s + frames * FRAME_S


def _wrong(calls: Sequence[Plan], found: Mapping[str, Sequence[Any]]) -> float:
    """Return the mean word error rate of calls."""
    rates = [word_error_rate(truth_of(call), found[call.call_id]) for call in calls]
    return sum(rates) / len(rates)


def _seen(late: Mapping[str, float]) -> Bar:
    # Otherwise a page without any words would be the fastest.
    return Bar(name="utterances that appeared", value=late["count"], limit=FEWEST, unit="")


def _below(name: str, value: float, limit: float, unit: str) -> Bar:
    return Bar(name=name, value=value, limit=limit, is_upper=True, unit=unit)


def measure_twelve(announce: Announce) -> Report:
    """More calls than the cores can transcribe, one of them open, with packets and ended calls."""
    report = Report("twelve calls at once")
    seen = {}
    for mode in ("off", "all"):
        announce(f"twelve calls, live transcription {mode}, two minutes")
        with stage(LIVE_TRANSCRIPTION=mode) as on:
            seen[mode] = _twelve(on, is_heard=mode == "all")
    late = shares(seen["all"]["late"])
    p99 = seen["all"]["packets"]["p99_ms"] / seen["off"]["packets"]["p99_ms"]
    longer = seen["all"]["archived_s"] / seen["off"]["archived_s"]
    report.figures = {
        "watched call": late,
        "longest wait of another call for words": seen["all"]["longest_wait_s"],
        "packets p99 ms": {
            mode: round(each["packets"]["p99_ms"], 1) for mode, each in seen.items()
        },
        "ended calls archived after s": {m: round(s["archived_s"], 1) for m, s in seen.items()},
    }
    report.bars = [
        _seen(late),
        _below("median of the watched call", late["median_s"], 1.5, "s"),
        _below("p95 of the watched call", late["p95_s"], 3, "s"),
        _below("longest wait of another call", seen["all"]["longest_wait_s"], 60, "s"),
        _below("p99 of a packet, over that without live transcription", p99, 2, "x"),
        _below("time to archive ended calls, likewise", longer, 1.3, "x"),
    ]
    return report


def _twelve(on: Stage, *, is_heard: bool) -> dict[str, Any]:
    calls = plans("twelve", 12, 6, seconds=120)
    watched = calls[0].call_id
    load = {"port": on.server.port, "key": on.key, "per_s": PACED_PER_S}
    on.warm_up()
    on.site.ask(STORED, "store", 1)
    with open_pages(on.address, USER, PASSWORD) as pages, on.callers(calls) as done:
        wait_until(lambda: on.heard(watched), what="the call to watch")
        pages.open([watched])
        open_at = time.time()
        with client("benchmarks.speech.paced", load) as packets:
            pages.wait(20)
            on.site.execute("-m", RECORDS, "end", *recording_slugs())
            pages.wait(95)
            # Before the calls end: then the page shows other words.
            appeared = {watched: pages.appeared(watched)} if is_heard else {}
            paced = packets()
        sent = done()
    late, _ = _lateness(appeared, sent["begun_at"], open_at)
    slugs = {slug: on.final(slug) for slug in recording_slugs()}
    return {
        "late": late,
        "packets": paced,
        "archived_s": sum(
            each["archived_after_s"] for found in slugs.values() for each in found.values()
        ),
        "longest_wait_s": _longest_wait(on.heard("twelve"), sent, watched) if is_heard else 0,
    }


def _longest_wait(heard: Mapping[str, Any], sent: Mapping[str, Any], watched: str) -> float:
    """Return the longest time without new words in any call that nobody watched."""
    longest = 0.0
    for call_id, call in heard.items():
        if call_id == watched:
            continue
        times = sorted(each["heard_at"] for each in call["utterances"] if each["text"])
        times = [sent["begun_at"][call_id], *times, sent["ended_at"][call_id]]
        longest = max(longest, *(later - at for at, later in pairwise(times)))
    return round(longest, 1)


def measure_long(announce: Announce, seconds: float) -> Report:
    """Long calls: how soon after its end each is archived, heard live or not."""
    report = Report(f"calls of {seconds / 60:g} minutes")
    after: dict[str, list[float]] = {}
    for mode in ("all", "off"):
        announce(f"three calls of {seconds:g} s, live transcription {mode}")
        with stage(LIVE_TRANSCRIPTION=mode) as on:
            with on.callers(plans("long", 3, 6, seconds=seconds, apart_s=45)) as done:
                done()
            found = on.final("long")
            after[mode] = [each["archived_after_s"] for each in found.values()]
        announce(f"archived after {', '.join(f'{each:.1f} s' for each in after[mode])}")
    report.figures = {f"archived after s, {mode}": each for mode, each in after.items()}
    report.bars = [_below("median from the end to the archive", median(after["all"]), 5, "s")]
    return report


def measure_kills(announce: Announce, kills: int) -> Report:
    """A listener that is killed: the words, compared with those of an undisturbed run."""
    import jiwer

    from benchmarks.speech.wording import normalised

    report = Report(f"a listener killed {kills} times")
    words: list[str] = []
    for times in (0, 0, kills):
        announce(f"two calls of about two minutes, {times} kills")
        with stage() as on, on.callers(plans("kill", 2, 2)) as done:
            _kill(on, times, Random(times))
            done()
            words.append(normalised(_words(on.final("kill"))))
    report.figures = {
        "words": len(words[0].split()),
        "word error rate of two undisturbed runs": round(jiwer.wer(words[0], words[1]), 4),
        "word error rate with kills": round(jiwer.wer(words[0], words[2]), 4),
    }
    more = jiwer.wer(words[0], words[2]) - jiwer.wer(words[0], words[1])
    report.bars = [_below("words lost or doubled by the kills", 100 * more, 1, "%")]
    return report


def _kill(on: Stage, times: int, chance: Random) -> None:
    for _ in range(times):
        time.sleep(chance.uniform(8, 20))
        if process := wait_until(on.listener, what="the listener"):
            process.kill()


def _words(final: Mapping[str, Any]) -> str:
    return " ".join(
        turn["text"]
        for _, call in sorted(final.items())
        for who in ("agent", "customer")
        for turn in call["turns"]
        if turn["speaker"] == who
    )
