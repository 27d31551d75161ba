"""How long a carrier's frame stays in memory, where a killed process would lose it."""

from base64 import b64decode

from hypothesis import given, settings
from hypothesis import strategies as st

from calls.ingest.carriers import Media, Start
from calls.ingest.carriers.session import Identity, Session
from calls.ingest.carriers.socket import FLUSH_SHARE
from calls.ingest.carriers.tracks import REORDER_S

FRAME = 160


class Clock:
    """Passes time to a session, and flushes it as the socket does."""

    def __init__(self, limit_s):
        self.limit_s, self.flush_s = limit_s, FLUSH_SHARE * limit_s
        self.session = Session(row_age_s=limit_s - self.flush_s)
        self.session.take(Start(media="audio/x-mulaw;rate=8000"), 0)
        self.session.begin(Identity("c", "s"))
        self.next_flush = self.flush_s
        self.arrived, self.stored_at = [], {"inbound": [], "outbound": []}

    def go_to(self, now):
        while self.next_flush <= now:
            for packet in self.session.due(self.next_flush):
                frames = len(b64decode(packet.data)) // FRAME
                self.stored_at[packet.track] += [self.next_flush] * frames
            self.next_flush += self.flush_s

    def send(self, number, now):
        self.go_to(now)
        self.arrived.append(now)
        for track in self.stored_at:
            frame = Media(payload=b"\x7f" * FRAME, track=track, chunk=number, stamp=20.0 * number)
            self.session.take(frame, now)


@settings(deadline=None)
@given(
    st.floats(0.05, 2),
    st.lists(st.floats(0, 0.06), min_size=1, max_size=200),
)
def test_a_frame_in_order_is_handed_to_the_database_within_the_limit(limit_s, gaps):
    clock = Clock(limit_s)

    now = 0.0
    for number, gap in enumerate(gaps, 1):
        now += gap
        clock.send(number, now)
    clock.go_to(now + REORDER_S + 2 * limit_s)

    for stored_at in clock.stored_at.values():
        assert len(stored_at) == len(gaps)
        for arrived, stored in zip(clock.arrived, stored_at, strict=True):
            # Until REORDER_S after the first frame, an earlier one may still come.
            begins = max(arrived, clock.arrived[0] + REORDER_S)
            assert stored - begins <= limit_s + 1e-6
