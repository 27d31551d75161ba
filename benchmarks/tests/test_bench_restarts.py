"""The benchmark of restarts on a small scale: it makes load, restarts, counts and compares."""

from __future__ import annotations

import pytest
from django.db import connection

from benchmarks.restarts.callers import is_odd
from benchmarks.restarts.run import Outcome, count_lost
from benchmarks.rig.services import Service
from calls.tests.programs import installed


class Rows:
    """A database with these packets."""

    def __init__(self, *rows):
        self.found = list(rows)

    def rows(self, query):
        return self.found


@pytest.mark.parametrize(
    ("head", "odd"),
    [
        (b"HTTP/1.1 202 Accepted\r\n\r\n", False),
        (b"HTTP/1.1 429 Too Many Requests\r\n\r\n", False),
        (b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n\r\n", False),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", True),
        (b"HTTP/1.1 502 Bad Gateway\r\nRetry-After: 1\r\n\r\n", True),
        (b"no connection", False),
    ],
)
def test_a_response_is_odd_if_a_client_cannot_know_what_to_do(head, odd):
    assert is_odd(head) is odd


def test_a_packet_is_lost_if_it_was_acknowledged_and_is_not_stored():
    stored = Rows(("a", 1), ("a", 2), ("a", 2), ("a", 4), ("b", 1))

    assert count_lost(stored, {"a": 2, "b": 1}) == 0
    assert count_lost(stored, {"a": 4, "b": 2}) == 2  # the third of a, and the second of b
    assert count_lost(stored, {"c": 3}) == 3


@pytest.mark.parametrize(
    ("lost", "stuck", "burnt", "odd", "failed"),
    [
        (0, 0, 0, 0, []),
        (1, 0, 0, 0, ["acknowledged packets lost"]),
        (0, 1, 0, 0, ["calls stuck"]),
        (0, 0, 1, 0, ["attempts used up"]),
        (0, 0, 0, 1, ["answers 5xx other than 503 with Retry-After"]),
    ],
)
def test_every_loss_has_a_bar_of_zero(lost, stuck, burnt, odd, failed):
    told = {"answers": {"odd": odd}, "unanswered": 0}

    bars = Outcome(1000.0, told, lost, stuck, burnt, restarts=5).bars

    assert [bar.name for bar in bars if not bar.passed] == failed


@pytest.mark.slow
@pytest.mark.processes
def test_a_round_of_restarts_loses_nothing(tmp_path):
    if connection.vendor != "postgresql":
        pytest.skip("several processes need PostgreSQL")
    installed("nginx")
    with Service(tmp_path) as service:
        told = service.run("bench_restarts", "--seconds", "30", "--restarts", "1").stdout

    assert "PASS  acknowledged packets lost: 0" in told
    assert "PASS  calls stuck: 0" in told
