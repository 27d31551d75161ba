"""How a page follows the feed. The test plays the server."""

from __future__ import annotations

import json
import time

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.processes]

LONGEST_PAUSE = "Math.random = () => 0.99"


class Played:
    """The server's side of every socket that a page opens."""

    is_mute = False

    def __init__(self, page):
        self.page = page
        self.sockets = []
        self.resumes = []
        page.add_init_script(LONGEST_PAUSE)
        page.clock.install()
        page.route_web_socket("**/stream/ws/supervisor", self._open)
        page.goto("/supervisor/")
        self.wait_for(lambda: self.resumes)

    def _open(self, socket):
        self.sockets.append(socket)
        socket.on_message(lambda text: self._resume(socket, json.loads(text)))
        self.say(type="hello", epoch="e", head=0, heartbeat_s=10)

    def _resume(self, socket, message):
        self.resumes.append(message)
        if self.is_mute:
            return
        self.say(type="resumed", recovered=True, count=0, head=message["offset"])

    def say(self, **message):
        self.sockets[-1].send(json.dumps(message))

    def wait_for(self, condition):
        begin = time.monotonic()
        while not condition():
            assert time.monotonic() < begin + 10
            self.page.wait_for_timeout(10)
        return time.monotonic() - begin


@pytest.fixture
def played(open_page):
    return Played(open_page())


def test_a_page_that_was_briefly_too_slow_reconnects_at_once(played):
    played.page.clock.fast_forward(6_000)

    played.sockets[0].close(code=4408)

    assert played.wait_for(lambda: len(played.sockets) == 2) < 0.9
    played.wait_for(lambda: len(played.resumes) == 2)


def test_a_page_that_stays_too_slow_waits_between_attempts(played):
    played.sockets[0].close(code=4408)

    assert played.wait_for(lambda: len(played.sockets) == 2) > 0.9


def test_a_page_that_detects_a_gap_resumes_at_its_offset(played):
    known = played.resumes[0]["offset"]

    played.say(type="heartbeat", head=known + 3)
    played.wait_for(lambda: len(played.resumes) == 2)
    played.say(type="state_change", call_id="4711", state="COMPLETED", data={}, offset=known + 3)
    played.say(type="heartbeat", head=known + 3)
    played.page.wait_for_timeout(200)

    assert [each["offset"] for each in played.resumes] == [known, known]


def test_a_page_goes_back_to_the_start_of_a_replay(played):
    known = played.resumes[0]["offset"]

    # As if it had come between the greeting and the answer.
    played.say(type="state_change", call_id="4711", state="COMPLETED", data={}, offset=known + 3)
    played.say(type="replay", after=known, head=known + 3)
    played.say(type="heartbeat", head=known + 3)
    played.wait_for(lambda: len(played.resumes) == 2)

    assert played.resumes[1]["offset"] == known


def test_a_page_that_becomes_visible_reconnects_at_once(played):
    played.is_mute = True  # so that each loss makes the pause longer
    played.sockets[0].close(code=1012)
    played.wait_for(lambda: len(played.sockets) == 2)
    played.sockets[1].close(code=1012)
    played.page.wait_for_timeout(500)  # its pause is three seconds now
    assert len(played.sockets) == 2

    played.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    assert played.wait_for(lambda: len(played.sockets) == 3) < 1.5
