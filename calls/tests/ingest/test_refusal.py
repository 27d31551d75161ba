"""A new stream waits for its turn while the server is busy, and is refused if there is none."""

from calls.ingest import refusal
from calls.ingest.requests import Way


class Door:
    """Stands for a buffer that gives these answers to a stream that asks."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.refused = []

    def admits_stream(self):
        return self.answers.pop(0)

    def refuse_stream(self, way):
        self.refused.append(way)


async def test_a_stream_waits_for_room_before_it_is_refused(monkeypatch, settings):
    settings.GROUP_COMMIT = True
    door = Door(None, None, True)
    monkeypatch.setattr(refusal, "buffer", lambda: door)
    monkeypatch.setattr(refusal, "PACE_S", 0)

    assert await refusal.admits_stream(Way.CARRIER)
    assert door.answers == door.refused == []


async def test_a_stream_that_finds_no_room_is_refused_and_counted(monkeypatch, settings):
    settings.GROUP_COMMIT = True
    door = Door(None, None)
    monkeypatch.setattr(refusal, "buffer", lambda: door)
    monkeypatch.setattr(refusal, "ADMIT_WITHIN_S", 0)

    assert not await refusal.admits_stream(Way.CARRIER)
    assert door.refused == [Way.CARRIER]
