"""The benchmark of overload on a small scale: it offers load, counts and compares."""

from collections import Counter

import pytest

from benchmarks.overload.run import PARTS, Step, judge
from benchmarks.rig.services import Service


def step(part, **changes):
    usual = {"answers": Counter(accepted=10), "closed": 0, "lost": 0, "p99_ms": 20.0}
    values = {**usual, "memory_mib": 100.0, "normal_after_s": 1.0, **changes}
    return Step(way="single", part=part, offered_per_s=10.0, p50_ms=5.0, **values)


def failed(**changes):
    steps = [step(PARTS[0]), step(PARTS[1]), step(PARTS[2], **changes)]
    return [bar.name.removeprefix("single: ") for bar in judge(steps) if not bar.passed]


@pytest.mark.parametrize(
    ("changes", "bars"),
    [
        ({}, []),
        ({"answers": Counter({"accepted": 1, "503": 9, "1013": 2, "1000": 1})}, []),
        ({"answers": Counter({"500": 1})}, ["other responses"]),
        ({"closed": 1}, ["closed by us"]),
        ({"lost": 1}, ["acknowledged and lost"]),
        ({"p99_ms": 101.0}, ["p99 of what is accepted, to that at 80 %"]),
        ({"memory_mib": 111.0}, ["growth of memory"]),
        ({"normal_after_s": 6.0}, ["until normal"]),
    ],
    ids=str,
)
def test_a_step_above_the_capacity_is_compared_with_the_one_below(changes, bars):
    assert failed(**changes) == bars


@pytest.mark.slow
@pytest.mark.processes
def test_every_interface_is_offered_more_than_it_sustains(tmp_path):
    with Service(tmp_path) as service:
        told = service.run("bench_overload", "--seconds", "3", check=False).stdout

    for way in ("single", "batch", "websocket", "carrier"):
        assert f"PASS  {way}: acknowledged and lost" in told
