"""If a listener process is killed, the next one loses no word and repeats none."""

import psutil
import pytest

from benchmarks.rig.databases import Database
from benchmarks.rig.services import Service, kill
from benchmarks.rig.waiting import wait_until
from calls.tests.analysis.live.listening import words_of

pytestmark = pytest.mark.processes

SPEAK = """
import time
from calls.tests.analysis.live.listening import receive, spoken
spans = [(n * 1.8 + 0.5, n * 1.8 + 1.3) for n in range(20)]
for packet in spoken("c-1", *spans, seconds=38):
    receive(packet)
    time.sleep(0.05)
"""
LISTEN = """
from calls.analysis.live.loop import listen
from calls.tests.analysis.live.listening import a_listener
listen(a_listener(owner="{name}"), lambda: False)
"""
HEARD = "SELECT number, text FROM calls_liveutterance WHERE text <> '' ORDER BY channel, number"


@pytest.fixture
def service(tmp_path):
    with Service(tmp_path, LIVE_TRANSCRIPTION="all") as running:
        yield running


def heard(service):
    return [tuple(row) for row in Database(service.database).rows(HEARD)]


def listener(service, name):
    return service.start("manage.py", "shell", "-v", "0", "-c", LISTEN.format(name=name), log=name)


def test_another_process_continues_after_a_kill_without_losing_or_repeating_a_word(service):
    killed = listener(service, "one")
    service.start("manage.py", "shell", "-c", SPEAK, log="speak")
    wait_until(lambda: len(heard(service)) >= 3, what="the first words")

    killed.kill()
    listener(service, "two")

    wait_until(lambda: len(heard(service)) >= 20, patience_s=60, what="all words")
    expected = [(n, words_of(n * 18 + 6, n * 18 + 13)) for n in range(20)]
    assert heard(service) == expected


def test_two_processes_never_transcribe_the_same_call(service):
    for name in ("one", "two"):
        listener(service, name)
    service.start("manage.py", "shell", "-c", SPEAK, log="speak")

    wait_until(lambda: len(heard(service)) >= 10, patience_s=60, what="the words")

    numbers = [number for number, _ in heard(service)]
    assert numbers == sorted(set(numbers))
    assert service.log("one") + service.log("two") == ""


def reported(service):
    """Return the process ids of the listeners that report."""
    rows = Database(service.database).rows("SELECT process FROM calls_listenerreport")
    return {int(process.split(":")[1]) for (process,) in rows}


def test_a_worker_restarts_its_listener_and_stops_it_gracefully(service):
    worker = service.worker()
    wait_until(lambda: reported(service), patience_s=30, what="the first listener")
    (first,) = reported(service)

    kill(psutil.Process(first))

    wait_until(lambda: reported(service) - {first}, patience_s=30, what="the second listener")
    worker.terminate()
    worker.wait(timeout=30)
    assert reported(service) == {first}
