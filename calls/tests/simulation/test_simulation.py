"""The simulation against a small server that misbehaves; the real one has its own tests."""

from __future__ import annotations

import asyncio
import json
import struct
from base64 import b64decode
from collections import Counter
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from calls.simulation import open_http, open_lanes
from calls.simulation.client import (
    Caller,
    CallOutcome,
    PlannedCall,
    Samples,
    SendingPace,
    StateReader,
    parcels,
    read_retry_after,
)
from calls.simulation.line import REACH, Delivery, Rates, deliver
from calls.simulation.scripts import (
    DEMO_CALLS,
    SCENARIOS,
    Opening,
    ScriptedPacket,
    choose_script,
    load_recording,
    read_wav,
    recording_slugs,
    write_dialogue,
)
from calls.tests.fake_server import RESET, UNAVAILABLE, FakeServer, Reply, first_only

OPENING = Opening("text/plain", "Sofia", "+442079460001", "+442079460000", "cards", "inbound")


class Recorder:
    """A watcher that may stop the run after some packets."""

    def __init__(self, stop: asyncio.Event, after: int | None = None) -> None:
        self.stop, self.after, self.answered = stop, after, 0

    def call_started(self, call_id: str, packets: int) -> None: ...
    def call_ended(self, outcome: CallOutcome) -> None: ...

    def packets_answered(self, call_id: str, packets: int) -> None:
        self.answered += packets
        if self.after is not None and self.answered >= self.after:
            self.stop.set()


def planned(name: str, packets: int, gap: float = 0.0) -> PlannedCall:
    spoken = tuple(ScriptedPacket(n, f"word {n}", n * gap) for n in range(1, packets + 1))
    return PlannedCall(name, OPENING, Delivery(spoken, 0, 0, 0))


async def play(
    server: FakeServer,
    calls: list[PlannedCall],
    pace: SendingPace,
    *,
    stop_after: int | None = None,
    lanes: int = 64,
) -> Caller:
    stop = asyncio.Event()
    async with open_lanes([server.url], "secret", lanes) as opened:
        caller = Caller(opened, pace, Recorder(stop, stop_after), stop)
        await caller.play_all(iter(calls), concurrency=2)
    return caller


# The line
def test_a_perfect_line_changes_nothing() -> None:
    assert deliver(range(50), Random(1), Rates()) == Delivery(tuple(range(50)), 0, 0, 0)


def test_the_same_seed_does_the_same_damage() -> None:
    rates = Rates(loss=0.1, duplicates=0.1, shuffle=0.1)

    assert deliver(range(500), Random(7), rates) == deliver(range(500), Random(7), rates)
    assert deliver(range(500), Random(7), rates) != deliver(range(500), Random(8), rates)


def test_damage_occurs_at_the_given_rates() -> None:
    delivery = deliver(range(20_000), Random(3), Rates(0.05, 0.1, 0.02))

    copies = Counter(delivery.packets)
    assert delivery.lost == 20_000 - len(copies) == pytest.approx(1000, rel=0.15)
    assert delivery.duplicated == list(copies.values()).count(2) == pytest.approx(1900, rel=0.15)
    assert delivery.shuffled == pytest.approx(380, rel=0.2)


def test_a_line_may_lose_everything() -> None:
    assert deliver(range(9), Random(0), Rates(loss=1)) == Delivery((), 9, 0, 0)


@pytest.mark.parametrize("rate", [0.1, 0.5, 1.0])
def test_no_packet_moves_further_than_the_reach(rate: float) -> None:
    delivery = deliver(range(2000), Random(5), Rates(shuffle=rate))

    assert sorted(delivery.packets) == list(range(2000))
    assert max(abs(place - index) for place, index in enumerate(delivery.packets)) <= REACH
    assert delivery.shuffled > 0


def test_raising_one_rate_leaves_the_other_damage_in_place() -> None:
    calm = deliver(range(300), Random(2), Rates(loss=0.2))
    stormy = deliver(range(300), Random(2), Rates(loss=0.2, duplicates=0.5, shuffle=0.5))

    assert set(calm.packets) == set(stormy.packets)


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_a_rate_must_lie_between_0_and_1(rate: float) -> None:
    with pytest.raises(ValueError, match="shuffle must be a rate between 0 and 1"):
        Rates(shuffle=rate)


# What is said
@pytest.mark.parametrize("slug", recording_slugs())
def test_a_recording_becomes_packets_of_20_ms_that_make_up_the_file(slug: str) -> None:
    samples = read_wav(DEMO_CALLS / f"{slug}.wav").data

    script = load_recording(slug)

    frames = [b64decode(packet.data) for packet in script.packets]
    assert script.opening.media == "audio/x-mulaw;rate=8000;channels=2"
    assert {len(frame) for frame in frames} == {320}
    assert len(frames) == -(-len(samples) // 320)
    assert b"".join(frames)[: len(samples)] == samples
    assert [p.sequence for p in script.packets] == list(range(1, len(frames) + 1))
    assert [p.timestamp for p in script.packets[:3]] == [0.0, 0.02, 0.04]


def test_the_customer_of_an_outbound_call_is_the_one_who_is_called() -> None:
    number = json.loads((DEMO_CALLS / "plan-upgrade.json").read_text())["caller"]

    assert load_recording("plan-upgrade").opening.callee == number


def test_a_wav_reader_skips_unknown_chunks_of_odd_length(tmp_path: Any) -> None:
    form = struct.pack("<HHIIHH", 7, 1, 8000, 8000, 1, 8)
    chunks = b"odd \x03\0\0\0abc\0fmt \x10\0\0\0" + form + b"data\x02\0\0\0\x01\x02"
    (tmp_path / "a.wav").write_bytes(b"RIFF\0\0\0\0WAVE" + chunks)

    assert read_wav(tmp_path / "a.wav").data == b"\x01\x02"


@pytest.mark.parametrize("content", [b"", b"ID3 and so on", b"RIFF\0\0\0\0WAVEdata\0\0\0\0"])
def test_a_broken_wav_file_is_refused_by_name(tmp_path: Any, content: bytes) -> None:
    (tmp_path / "broken.wav").write_bytes(content)

    with pytest.raises(ValueError, match=r"broken\.wav"):
        read_wav(tmp_path / "broken.wav")


def test_invented_calls_are_varied_whole_and_in_order() -> None:
    scripts = [write_dialogue(Random(seed)) for seed in range(200)]

    assert {script.slug for script in scripts} == {scenario.slug for scenario in SCENARIOS}
    assert len({tuple(p.data for p in script.packets) for script in scripts}) == 200
    for script in scripts:
        times = [packet.timestamp for packet in script.packets]
        assert times == sorted(set(times))
        assert {packet.track for packet in script.packets} == {"agent", "customer"}
        assert not [p.data for p in script.packets if not p.data.strip() or set("{}") & {*p.data}]


def test_the_same_seed_invents_the_same_call() -> None:
    assert write_dialogue(Random(4)) == write_dialogue(Random(4))


def test_mixed_calls_alternate_and_cycle_through_every_recording() -> None:
    scripts = [choose_script("mixed", number, Random(number)) for number in range(1, 13)]

    assert [script.slug for script in scripts[::2]] == list(recording_slugs())
    assert {script.opening.media for script in scripts[1::2]} == {"text/plain"}


# The client
def test_requests_are_due_when_their_last_packet_is_spoken_and_stay_in_order() -> None:
    packets = [ScriptedPacket(n, "", float(n)) for n in (1, 3, 2, 4, 5)]

    assert [due for due, _ in parcels(packets, 0)] == [1, 3, 3, 4, 5]
    assert [(due, len(parcel)) for due, parcel in parcels(packets, 2)] == [(3, 2), (4, 2), (5, 1)]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("3", 3),
        ("soon", None),
        ("Tue, 24 Nov 2026 10:15:30 GMT", 30),
        ("Tue, 24 Nov 2026 10:00:00 GMT", 0),
        ("Tue, 24 Nov 2026 10:15:30 -0000", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert read_retry_after(header, datetime(2026, 11, 24, 10, 15, tzinfo=UTC)) == seconds


def test_percentiles_are_nearest_ranks() -> None:
    samples = Samples()
    assert samples.percentile(99) == 0
    for value in range(1, 101):
        samples.add(value)

    assert (samples.percentile(50), samples.percentile(99), samples.greatest) == (50, 99, 100)


async def test_a_call_is_started_streamed_and_ended_in_that_order(server: FakeServer) -> None:
    server.misbehave = lambda seen: Reply(delay=0.05) if seen.path == "/v1/call/stream/a" else None

    tally = (await play(server, [planned("a", 40)], SendingPace(speed=0))).tally

    paths = [seen.path for seen in server.seen]
    assert paths == ["/v1/call/a/start", *["/v1/call/stream/a"] * 40, "/v1/call/a/end"]
    assert server.seen[0].body["agent"] == "Sofia"
    assert server.seen[1].headers["authorization"] == "Bearer secret"
    assert {"sequence": 1, "data": "word 1", "timestamp": 0.0} in [s.body for s in server.seen]
    assert (tally.started, tally.ended, tally.accepted) == (1, 1, 40)
    assert server.seen[-1].at - server.seen[-2].at >= 0.05
    assert 1 < server.busiest <= 16


async def test_packets_go_out_when_they_are_spoken_and_no_earlier(server: FakeServer) -> None:
    await play(server, [planned("a", 10, gap=0.1)], SendingPace(speed=5))

    started = server.posts("/start")[0].at
    for seen in server.posts("/stream/a"):
        assert seen.at - started >= seen.body["timestamp"] / 5


async def test_a_slow_server_causes_lag_and_bounded_requests(server: FakeServer) -> None:
    server.misbehave = lambda seen: Reply(delay=0.05)

    calls = [planned(name, 30, gap=0.001) for name in "ab"]
    tally = (await play(server, calls, SendingPace(in_flight_per_call=4), lanes=6)).tally

    assert tally.accepted == 60
    assert 1 < server.busiest <= 6
    assert tally.latency.percentile(50) >= 0.05
    assert tally.lag.greatest > 0.2


async def test_a_503_is_repeated_no_earlier_than_it_asks(server: FakeServer) -> None:
    server.misbehave = first_only(UNAVAILABLE, "/stream/a")

    tally = (await play(server, [planned("a", 1)], SendingPace(speed=0))).tally

    first, second = server.posts("/stream/a")
    assert second.at - first.at >= 1
    assert tally.answers == {503: 1, 202: 1}
    assert (tally.retries, tally.accepted, tally.refused.total()) == (1, 1, 0)


async def test_a_reset_connection_is_tried_again_with_the_same_packet(server: FakeServer) -> None:
    server.misbehave = first_only(RESET, "/stream/a")

    tally = (await play(server, [planned("a", 3)], SendingPace(speed=0))).tally

    assert sorted(server.packets["a"]) == [1, 2, 3]
    assert (tally.answers, tally.retries) == ({0: 1, 202: 3}, 1)


async def test_retries_end_and_the_packet_counts_as_refused(server: FakeServer) -> None:
    server.misbehave = lambda seen: Reply(503) if "/stream/" in seen.path else None

    tally = (await play(server, [planned("a", 2)], SendingPace(speed=0, patience=0.2))).tally

    assert tally.refused == {503: 2}
    assert tally.ended == 1


async def test_a_permanent_error_is_not_retried(server: FakeServer) -> None:
    server.misbehave = lambda seen: Reply(413, "too long") if "/stream/" in seen.path else None

    tally = (await play(server, [planned("a", 2)], SendingPace(speed=0))).tally

    assert (tally.answers, tally.retries, tally.refused) == ({413: 2}, 0, {413: 2})
    assert tally.problems == {'packets refused: 413 "too long"': 2}


async def test_a_partly_accepted_batch_counts_both_parts(server: FakeServer) -> None:
    partly = Reply(207, {"accepted": 2, "rejected": [{}]})
    server.misbehave = first_only(partly, "/stream/a/batch")

    tally = (await play(server, [planned("a", 7)], SendingPace(speed=0, batch=3))).tally

    assert sorted(len(seen.body) for seen in server.posts("/batch")) == [1, 3, 3]
    assert (tally.accepted, tally.refused, tally.sent) == (6, {207: 1}, 7)


async def test_stopping_ends_the_call_once_and_starts_no_other(server: FakeServer) -> None:
    calls = [planned(str(n), 50) for n in range(5)]
    server.misbehave = lambda seen: Reply(503) if seen.path.endswith("/end") else None

    tally = (await play(server, calls, SendingPace(speed=0), stop_after=10)).tally

    ended = [seen.path for seen in server.posts("/end")]
    assert sorted(ended) == ["/v1/call/0/end", "/v1/call/1/end"]
    assert tally.started == 2
    assert 10 <= tally.sent < 100


async def test_a_refused_start_stops_the_run(server: FakeServer) -> None:
    server.misbehave = lambda seen: Reply(401, {"detail": "no"})

    tally = (await play(server, [planned(str(n), 5) for n in range(9)], SendingPace())).tally

    assert len(server.seen) <= 2
    assert set(tally.problems) == {'start refused: 401 {"detail": "no"}'}


async def test_states_are_polled_until_every_call_is_final(server: FakeServer) -> None:
    server.state = "PROCESSING_AI"
    server.misbehave = lambda seen: Reply(404) if seen.path.endswith("gone") else None
    shown: list[dict[str, str]] = []

    def archive(states: dict[str, str]) -> None:
        shown.append(dict(states))
        server.state = "ARCHIVED"

    async with open_http(server.url) as http:
        reader = StateReader(http, ["a", "gone"])
        await reader.follow(10, asyncio.Event(), archive)

    assert [states["a"] for states in shown] == ["PROCESSING_AI", "ARCHIVED"]
    assert reader.states["gone"] == "HTTP 404"
    assert len([seen for seen in server.seen if seen.path.endswith("gone")]) == 1
