"""Sums over all processes are the same everywhere, and never fall."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from calls.models import ProcessFigures
from calls.telemetry import catalogue, meters
from calls.telemetry.adding_up import KEPT, add_gauges, fold_gone, read_site
from calls.telemetry.publishing import FRESH, UNCHANGED_S, Publisher

pytestmark = pytest.mark.django_db


def process(name="a:1", count=0, *, ago=timedelta(0), sockets=0):
    return ProcessFigures.objects.create(
        id=uuid.uuid4(),
        process=name,
        role="web",
        seen_at=timezone.now() - ago,
        counts={"ingest_gaps": {"": [count]}},
        gauges={"sockets": {"supervisor": [sockets]}},
    )


def gaps(**options):
    return read_site(**options).counts.get("ingest_gaps", {}).get("", [0])[0]


def sockets():
    return add_gauges(read_site().gauges.values(), "sockets").get("supervisor", 0)


def test_counts_of_all_processes_add_up_in_one_query(django_assert_max_num_queries):
    for number in range(20):
        process(f"a:{number}", 10)

    with django_assert_max_num_queries(2):  # PostgreSQL is asked for the time as well
        assert gaps() == 200


def test_only_processes_that_are_alive_have_a_state():
    process("a:1", 1, sockets=3)
    process("a:2", 1, sockets=4)
    process("a:3", 1, sockets=9, ago=FRESH + timedelta(seconds=1))

    assert sockets() == 7
    assert gaps() == 3


def test_a_sum_does_not_fall_when_a_process_has_ended():
    process("a:1", 5, ago=2 * KEPT)
    process("a:2", 7, ago=2 * KEPT)
    process("a:3", 1)

    assert fold_gone() == 2

    assert gaps() == 13
    assert ProcessFigures.objects.count() == 2
    process("a:4", 2, ago=2 * KEPT)
    assert fold_gone() == 1
    assert gaps() == 15


def test_a_process_that_was_considered_gone_does_not_count_twice():
    publisher = Publisher("web")
    catalogue.GAPS.add(10)
    publisher.publish()
    fold_gone(now=timezone.now() + 2 * KEPT)
    catalogue.GAPS.add(1)
    publisher.publish()
    catalogue.GAPS.add(1)
    publisher.publish()
    meters.forget()  # a test publishes nothing: what it counts itself is added

    assert gaps() == 12
    fold_gone(now=timezone.now() + 2 * KEPT)
    assert gaps() == 12


def test_a_process_that_ends_leaves_its_counts_but_no_state():
    publisher = Publisher("web")
    catalogue.GAPS.add(2)
    catalogue.SOCKETS.add(1, "supervisor")
    publisher.publish()
    catalogue.GAPS.add(1)
    publisher.leave()
    meters.forget()

    assert gaps() == 3
    assert sockets() == 0
    assert "web" not in read_site().roles.values()


def test_an_idle_process_writes_rarely(django_assert_num_queries):
    now = [100.0]
    publisher = Publisher("web", clock=lambda: now[0])
    publisher.publish()

    with django_assert_num_queries(0):
        publisher.publish()
    now[0] += UNCHANGED_S
    queries = 2 if connection.vendor == "postgresql" else 1
    with django_assert_num_queries(queries):
        publisher.publish()


def test_figures_of_another_version_do_no_harm(client):
    row = process()
    row.counts = {"of_tomorrow": {"": [1]}, "ingest_seconds": {"single": [1, 2]}}
    row.save()

    text = client.get("/metrics").content.decode()

    assert 'callcenter_ingest_seconds_count{way="single"} 0.0' in text
    assert "of_tomorrow" not in text


@pytest.mark.django_db(transaction=True)
def test_workers_that_add_up_at_the_same_time_count_each_process_once():
    for number in range(40):
        process(f"a:{number}", 1, ago=2 * KEPT)

    def fold(_):
        try:
            return fold_gone()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        moved = list(pool.map(fold, range(4)))

    assert sum(moved) == 40
    assert gaps() == 40
