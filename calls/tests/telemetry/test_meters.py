"""Counters, histograms and gauges of one process."""

import os
import threading
import time

import pytest

from calls.ingest.requests import Way
from calls.lifecycle import CallState
from calls.models import Attempt, Stage
from calls.telemetry import catalogue, meters
from calls.telemetry.meters import SEPARATOR, Meter
from calls.telemetry.serving import KINDS


def counted(meter):
    return meters.read_counts().get(meter.name, {})


def test_threads_that_count_together_lose_nothing():
    def add():
        for _ in range(2_000):
            catalogue.INGEST_PACKETS.add(1, "single")

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert counted(catalogue.INGEST_PACKETS) == {"single": [16_000]}


def test_a_histogram_counts_each_value_in_one_bucket():
    catalogue.INGEST_SECONDS.observe([0.001, 0.0011, 99.0], "batch")

    series = counted(catalogue.INGEST_SECONDS)["batch"]

    assert series[:2] == [1, 1]  # up to 1 ms: 1 ms itself counts
    assert series[-2] == 1  # beyond the last bound
    assert series[-1] == pytest.approx(99.0021)
    assert len(series) == catalogue.INGEST_SECONDS.width


def test_a_forked_child_counts_from_zero():
    catalogue.GAPS.add(5)
    reader, writer = os.pipe()

    child = os.fork()
    if not child:
        catalogue.GAPS.add()
        os.write(writer, str(counted(catalogue.GAPS)).encode())
        os._exit(0)
    os.waitpid(child, 0)

    assert os.read(reader, 100) == b"{'': [1.0]}"
    assert counted(catalogue.GAPS) == {"": [5.0]}


def test_counting_costs_little():
    begun_at = time.perf_counter()
    for _ in range(10_000):
        catalogue.INGEST_PACKETS.add(1, "single")

    assert (time.perf_counter() - begun_at) / 10_000 < 20e-6


def test_every_label_that_is_known_beforehand_is_one_of_the_program():
    assert {labels[0] for labels in catalogue.INGEST_PACKETS.known} == set(Way)
    assert {labels[0] for labels in catalogue.CALL_CHANGES.known} == set(CallState.values)
    outcomes = set(Attempt.Outcome.values) - {Attempt.Outcome.RUNNING}
    assert {outcome for _, outcome in catalogue.ATTEMPTS.known} == outcomes
    assert {stage for stage, _ in catalogue.ATTEMPTS.known} == set(Stage.values)
    assert {labels[0] for labels in catalogue.SOCKETS.known} == {*KINDS.values(), "events"}


def test_joined_labels_stay_distinguishable():
    labels = [label for meter in Meter.all.values() for key in meter.known for label in key]

    assert not any(SEPARATOR in label for label in labels)
