"""The HTTP protocol of the web server: one write for a response, and every byte in order."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from calls.operation.http import HELD_BYTES, JoinedWrites


class Transport:
    """Stands for a socket. Keeps what is written, and fails if something is written after close."""

    def __init__(self):
        self.writes = []
        self.is_closed = False

    def write(self, data):
        assert not self.is_closed
        self.writes.append(data)

    def close(self):
        self.is_closed = True


class Loop:
    """Stands for an event loop whose rounds a test decides."""

    def __init__(self):
        self.soon = []

    def call_soon(self, callback):
        self.soon.append(callback)

    def go_round(self):
        due, self.soon = self.soon, []
        for callback in due:
            callback()


def test_head_and_body_of_a_response_are_one_write():
    transport, loop = Transport(), Loop()
    joined = JoinedWrites(transport, loop)

    joined.write(b"head ")
    joined.write(b"body")
    loop.go_round()

    assert transport.writes == [b"head body"]


def test_a_head_whose_body_does_not_follow_is_sent_in_the_next_round():
    transport, loop = Transport(), Loop()
    joined = JoinedWrites(transport, loop)

    joined.write(b"head")
    assert transport.writes == []
    loop.go_round()

    assert transport.writes == [b"head"]


def test_a_long_piece_is_not_copied():
    transport = Transport()
    piece = b"x" * (HELD_BYTES + 1)

    JoinedWrites(transport, Loop()).write(piece)

    assert transport.writes[0] is piece


steps = st.one_of(
    st.binary(min_size=1, max_size=20),
    st.integers(min_value=HELD_BYTES - 1, max_value=HELD_BYTES + 1).map(lambda size: b"x" * size),
    st.just(None),  # a round of the loop
)


@given(st.lists(steps, max_size=30))
def test_every_byte_is_sent_in_order_before_the_connection_closes(taken):
    transport, loop = Transport(), Loop()
    joined = JoinedWrites(transport, loop)

    for step in taken:
        if step is None:
            loop.go_round()
        else:
            joined.write(step)
    joined.close()
    loop.go_round()

    assert b"".join(transport.writes) == b"".join(step for step in taken if step)
    assert transport.is_closed


def test_everything_else_is_asked_of_the_real_transport():
    class Named(Transport):
        def get_extra_info(self, name):
            return f"the {name}"

    async def ask():
        return JoinedWrites(Named(), asyncio.get_running_loop()).get_extra_info("peername")

    assert asyncio.run(ask()) == "the peername"
