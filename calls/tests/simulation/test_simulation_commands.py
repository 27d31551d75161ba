"""simulate_calls and visualize_race: options, summaries and exit codes."""

from __future__ import annotations

import io
import json
import os
import signal
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from rich.console import Console

from calls.management.commands.simulate_calls import LiveReport, reporting
from calls.simulation.client import CallOutcome
from calls.simulation.scripts import load_recording, recording_slugs
from calls.tests.fake_server import FakeServer, Reply, Seen, first_only


def run(name: str, *args: str) -> tuple[str, str]:
    """The output of a command, and its error if it failed."""
    out = io.StringIO()
    try:
        call_command(name, *args, stdout=out)
    except CommandError as error:
        return out.getvalue(), str(error)
    return out.getvalue(), ""


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ("--loss 1.5", "--loss must be a rate between 0 and 1, not 1.5"),
        ("--shuffle nan", "--shuffle must be a rate"),
        ("--speed -1", "--speed must be a number, 0 or more"),
        ("--speed inf", "--speed must be a number"),
        ("--calls 0", "--calls must be 1 or more, not 0"),
        ("--calls many", "invalid int value: 'many'"),
        ("--concurrency 0", "--concurrency must be 1 or more"),
        ("--batch 1001", "--batch must be between 0 and 1000"),
        ("--repeat -2", "--repeat must be 0 (until Ctrl-C) or more"),
        ("--source radio", "invalid choice: 'radio'"),
        ("--url ftp://host", "--url must look like http://127.0.0.1:8000"),
        ("--url http://", "--url must look like"),
        ("--prefix a/b", "--prefix must be 1 to 64 letters"),
        ("--api-key schlüssel", "--api-key may contain only printable ASCII"),
        ("--forever --wait", "--wait cannot be used"),
        ("--url http://127.0.0.1:9 --connect-timeout 0", "http://127.0.0.1:9 does not respond"),
    ],
)
def test_a_bad_option_is_explained(args: str, message: str) -> None:
    assert message in run("simulate_calls", *args.split())[1]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ("--packets 1", "--packets must be from 2 to 200"),
        ("--rounds 0", "--rounds must be from 1 to 10000"),
        ("--url nowhere", "--url must look like"),
        ("--prefix #", "--prefix must be"),
    ],
)
def test_a_bad_option_of_the_race_is_explained(args: str, message: str) -> None:
    assert message in run("visualize_race", *args.split())[1]


def simulate(server: FakeServer, *args: str) -> tuple[Any, str]:
    fast = ("--url", server.url, "--speed", "0", "--source", "text", "--json")
    out, failure = run("simulate_calls", *fast, *args)
    return json.loads(out), failure


def test_a_simulation_over_a_bad_line_adds_up(server: FakeServer) -> None:
    damage = ("--loss", "0.1", "--duplicates", "0.1", "--shuffle", "0.2", "--seed", "5")

    summary, failure = simulate(server, "--calls", "8", "--wait", *damage)

    assert failure == ""
    assert summary["packets_accepted"] == summary["packets_sent"]
    assert sum(map(len, server.packets.values())) == (
        summary["packets_accepted"] - summary["duplicated_on_purpose"]
    )
    assert min(summary[f"{what}_on_purpose"] for what in ("lost", "duplicated", "shuffled")) > 0
    assert set(summary["states"].values()) == {"ARCHIVED"}
    assert set(summary["states"]) == set(summary["call_ids"]) == set(server.packets)


def test_a_recording_can_be_played_in_batches_under_a_prefix(server: FakeServer) -> None:
    args = ("--url", server.url, "--speed", "0", "--calls", "1", "--batch", "500")

    out, failure = run("simulate_calls", *args, "--prefix", "night")

    call_id = f"night-{recording_slugs()[0]}-1"
    assert failure == ""
    assert len(server.packets[call_id]) == len(load_recording(recording_slugs()[0]).packets)
    assert f"{call_id}: ended" in out
    assert "packets accepted" in out


def test_a_refused_packet_fails_the_command_after_the_summary(server: FakeServer) -> None:
    server.misbehave = first_only(Reply(400), "-1")

    summary, failure = simulate(server, "--calls", "1")

    assert summary["packets_refused"] == {"400": 1}
    assert failure == "Packets were refused: 1."


def test_a_call_that_is_not_analysed_in_time_fails_the_command(server: FakeServer) -> None:
    server.state = "PROCESSING_AI"

    summary, failure = simulate(server, "--calls", "1", "--wait", "--wait-timeout", "0.2")

    assert set(summary["states"].values()) == {"PROCESSING_AI"}
    assert failure == "Not every call is ARCHIVED or FAILED."


def test_ctrl_c_ends_an_endless_run_cleanly(server: FakeServer) -> None:
    def interrupt(seen: Seen) -> None:
        if len(server.seen) == 300:
            os.kill(os.getpid(), signal.SIGINT)

    server.misbehave = interrupt

    summary, failure = simulate(server, "--forever", "--concurrency", "2")

    assert failure == ""
    assert summary["stopped_early"] is True
    assert summary["calls_started"] == summary["calls_ended"] == len(server.posts("/end"))


def test_a_terminal_shows_a_bar_for_every_live_call() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100)

    with reporting(console, total=2) as report:
        assert isinstance(report, LiveReport)
        report.call_started("demo-1", 10)
        report.packets_answered("demo-1", 10)
        report.call_ended(CallOutcome("demo-1"))

    assert "calls" in console.file.getvalue()  # type: ignore[attr-defined]


def test_a_race_is_checked_on_every_server(server: FakeServer) -> None:
    with FakeServer() as other:
        other.packets = server.packets
        args = ("--url", server.url, "--url", other.url, "--packets", "7", "--rounds", "2")

        out, failure = run("visualize_race", *args, "--json")

    result = json.loads(out)
    assert (failure, result["ok"], result["accepted"]) == ("", True, 14)
    assert [sorted(round_["sequences"]) for round_ in result["rounds"]] == [[*range(1, 8)]] * 2
    assert (len(server.posts("-1")), len(other.posts("-1"))) == (4, 3)
    assert len(server.posts("/end")) == 2


def test_a_race_that_loses_a_packet_is_reported_and_drawn(server: FakeServer) -> None:
    server.misbehave = first_only(Reply(500), "-2")

    out, failure = run("visualize_race", "--url", server.url, "--rounds", "2")

    assert failure == "1 of 2 rounds failed."
    assert "one call, complete" in out
    assert "-2: packet_count is 4, not 5" in out
    assert "in flight" in out
