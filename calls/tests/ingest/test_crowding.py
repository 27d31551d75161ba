"""A sender that opens more and more streams loses nothing, and its cost stays bounded."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from calls.ingest.carriers import opening
from calls.ingest.carriers.opening import TooManyStreams, open_stream
from calls.ingest.record import record_packets
from calls.ingest.streams import crowding
from calls.ingest.streams.crowding import REMARK, SHARED
from calls.models import Call, MediaConnection, Packet, Stream
from calls.tests.factories import packet
from calls.tests.ingest.carriers.carrier_calls import TWILIO_START, connect
from calls.tests.ingest.statements import captured

LIMIT = 5


@pytest.fixture(autouse=True)
def _few_streams(monkeypatch):
    monkeypatch.setattr(crowding, "MAX_STREAMS", LIMIT)
    monkeypatch.setattr(opening, "MAX_STREAMS", LIMIT)


def names(call_id="c"):
    return sorted(set(Stream.objects.filter(call__call_id=call_id).values_list("name", flat=True)))


@pytest.mark.django_db
def test_further_streams_share_one_stream_without_loss():
    for at in range(12):
        record_packets([packet("c", at, f"word {at}", stream=f"s{at:02}", timestamp=at)])

    call = Call.objects.get()
    assert names() == sorted([*(f"s{at:02}" for at in range(LIMIT)), SHARED])
    assert sorted(Packet.objects.values_list("data", flat=True)) == sorted(
        f"word {at}" for at in range(12)
    )
    assert (call.packet_count, call.remarks) == (12, [REMARK])


@pytest.mark.django_db
def test_a_stream_that_is_known_is_never_shared_and_other_calls_are_not_crowded():
    record_packets([packet("c", 1, str(at), stream=f"s{at}") for at in range(9)])

    record_packets([packet("c", 2, "known", stream="s1"), packet("d", 1, "other", stream="s9")])

    assert Packet.objects.get(data="known").stream.name == "s1"
    assert Packet.objects.get(data="other").stream.name == "s9"


@pytest.mark.django_db
def test_a_packet_costs_the_same_however_many_streams_there_are():
    def cost(at):
        with captured() as found:
            record_packets([packet("c", at, stream=f"s{at}")])
        return len(found)

    costs = [cost(at) for at in range(30)]

    assert len(set(costs[12:])) == 1


class TestAnyStreams(TestCase):
    @settings(max_examples=40, deadline=None)
    @given(st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=6), max_size=8))
    def test_each_packet_is_stored_once_whatever_streams_are_named(self, batches):
        sent = []
        for batch in batches:
            packets = []
            for at in batch:
                name = SHARED if at == 9 else f"s{at}"
                packets.append(packet("c", len(sent), f"word {len(sent)}", stream=name))
                sent.append(f"word {len(sent)}")
            record_packets(packets)
            record_packets(packets)

        assert sorted(Packet.objects.values_list("data", flat=True)) == sorted(sent)
        assert len(names()) <= LIMIT + 1


@pytest.mark.django_db
def test_the_names_of_a_carriers_streams_are_found_at_once():
    def open_one():
        with CaptureQueriesContext(connection) as queries:
            opened = open_stream(call_id="c", name="MZ1", media="audio/x-mulaw", description={})
        return opened.stream, len(queries)

    found = [open_one() for _ in range(LIMIT)]

    assert [name for name, _ in found] == ["MZ1", *(f"MZ1#{at}" for at in range(2, LIMIT + 1))]
    assert len({cost for _, cost in found[1:]}) == 1
    with pytest.raises(TooManyStreams):
        open_one()
    assert MediaConnection.objects.count() == LIMIT


@pytest.mark.django_db(transaction=True)
async def test_a_socket_beyond_the_limit_is_refused_and_not_kept_waiting(settings):
    settings.API_KEYS = []
    codes = []

    for _ in range(LIMIT + 1):
        socket = await connect()
        await socket.say(TWILIO_START)
        await socket.say({"event": "stop"})
        codes.append(await socket.close_code())

    assert codes == [1000] * LIMIT + [1008]
