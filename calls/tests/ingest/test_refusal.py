"""A new stream waits for its turn while the server is busy, and is refused if there is none."""

from unittest.mock import AsyncMock

import pytest

from calls.ingest import refusal
from calls.ingest.requests import Way


class Door:
    """Stands for a buffer that gives these answers to a stream that asks, and for its admission."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.refused = []
        self.open = answers.count(True)
        self.admission = self
        self.hope, self.waiting = True, 0

    def admit_stream(self):
        return self.answers.pop(0)

    def may_wait(self, seconds):
        return self.hope

    def refuse_stream(self, way):
        self.refused.append(way)

    def end(self):
        self.open -= 1


@pytest.fixture(autouse=True)
def door(monkeypatch, settings):
    settings.GROUP_COMMIT = True
    door = Door(None, None, True)
    monkeypatch.setattr(refusal, "buffer", lambda: door)
    monkeypatch.setattr(refusal, "ASK_AGAIN_S", 0)
    return door


async def test_a_stream_waits_for_room_before_it_is_refused(door):
    async with refusal.admission({}, None, Way.CARRIER) as admitted:
        assert admitted
        assert door.answers == door.refused == []
        assert (door.open, door.waiting) == (1, 0)

    assert door.open == 0


async def test_a_stream_that_cannot_find_room_in_time_does_not_wait(door):
    door.hope = False

    async with refusal.admission({}, AsyncMock(), Way.CARRIER) as admitted:
        assert not admitted

    assert (door.answers, door.refused) == ([None, True], [Way.CARRIER])


async def test_a_stream_that_breaks_off_has_ended(door):
    with pytest.raises(OSError, match="gone"):
        async with refusal.admission({}, None, Way.CARRIER):
            raise OSError("gone")

    assert door.open == 0


async def test_a_stream_that_finds_no_room_is_refused_and_counted(door, monkeypatch):
    monkeypatch.setattr(refusal, "ADMIT_WITHIN_S", 0)
    sent = []

    async def send(message):
        sent.append(message)

    async with refusal.admission({}, send, Way.CARRIER) as admitted:
        assert not admitted

    assert door.refused == [Way.CARRIER]
    assert sent[-1]["code"] == refusal.CLOSE_TRY_AGAIN
