"""``/metrics`` of a site with several real processes."""

import signal
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.rig.services import Service
from benchmarks.rig.waiting import post, wait_until

pytestmark = pytest.mark.processes
PACKETS = ("callcenter_ingest_packets_total", "single")


def scrape(address):
    with urllib.request.urlopen(f"{address}/metrics", timeout=10) as answer:
        families = text_string_to_metric_families(answer.read().decode())
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in families
        for sample in family.samples
    }


def send(address, call_id, count):
    for number in range(1, count + 1):
        packet = {"sequence": number, "data": "Hello.", "timestamp": float(number)}
        post(f"{address}/v1/call/stream/{call_id}", packet)


def test_every_process_reports_the_sum_which_does_not_fall_when_one_ends(tmp_path):
    with Service(tmp_path, METRICS_EVERY="0.2") as service:
        addresses = [service.web() for _ in range(2)]
        service.worker()
        for number, address in enumerate(addresses):
            send(address, f"c-{number}", 5)

        for address in addresses:
            wait_until(lambda at=address: scrape(at)[PACKETS] == 10, what="the sum")
        wait_until(
            lambda: scrape(addresses[0])["callcenter_processes", "watcher"], what="the worker"
        )
        assert scrape(addresses[0])["callcenter_processes", "web"] == 2

        send(addresses[1], "c-1", 2)  # duplicates, just before the end
        service.processes[1].send_signal(signal.SIGTERM)
        service.processes[1].wait(timeout=20)

        found = scrape(addresses[0])
        assert found[PACKETS] == 12
        assert found["callcenter_ingest_duplicate_packets_total",] == 2
        assert found["callcenter_processes", "web"] == 1
