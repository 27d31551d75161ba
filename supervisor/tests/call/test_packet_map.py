"""The packet map: cells of packets that arrived, arrived late, or never arrived."""

import pytest

from calls import services
from calls.ingest.record import record_packets
from calls.models import Call, Packet, PrunedRange
from calls.tests.factories import packet
from supervisor.call.packet_map import CELLS, read_packet_map

pytestmark = pytest.mark.django_db


def mapped(call_id="c-1"):
    return read_packet_map(list(Call.objects.get(call_id=call_id).streams.order_by("pk")))


def runs(call_id="c-1"):
    return [(run.kind, run.title) for run in mapped(call_id).lanes[0].runs]


def send(*numbers, stream=""):
    record_packets([packet("c-1", number, stream=stream) for number in numbers])


def test_packets_that_never_arrived_are_missing_from_the_first_sequence():
    send(3, 4, 7)

    assert runs() == [
        ("missing", "Packets 1 to 2: all missing"),
        ("received", "Packets 3 to 4: all received"),
        ("missing", "Packets 5 to 6: all missing"),
        ("received", "Packet 7: received"),
    ]


def test_a_stream_that_counts_from_0_has_nothing_missing():
    send(0, 1, 2)

    assert runs() == [("received", "Packets 0 to 2: all received")]


def test_a_stream_that_begins_anywhere_has_nothing_missing():
    send(51234, 51236)

    assert runs() == [
        ("received", "Packet 51,234: received"),
        ("missing", "Packet 51,235: missing"),
        ("received", "Packet 51,236: received"),
    ]


def test_each_run_of_a_stream_has_a_lane():
    record_packets([packet("c-1", at, f"{run} {at}") for run in "ab" for at in (1, 2, 4)])

    lanes = mapped("c-1").lanes

    assert [str(lane.stream) for lane in lanes] == ["(unnamed)", "(unnamed), run 2"]
    assert [[cell.kind for cell in lane.cells] for lane in lanes] == [
        ["received", "received", "missing", "received"]
    ] * 2


def test_a_packet_that_was_overtaken_is_out_of_order():
    send(1)
    send(3)
    send(2)

    assert ("reordered", "Packet 2: reordered") in runs()


def test_a_packet_after_the_end_is_late():
    send(1, 2)
    services.end_call(call_id="c-1")
    send(3)

    assert runs()[-1] == ("late", "Packet 3: late")


def test_pruned_packets_are_not_missing():
    send(*range(1, 11))
    stream = Call.objects.get().streams.get()
    Packet.objects.filter(sequence__lte=5).delete()
    PrunedRange.objects.create(stream=stream, first_sequence=1, last_sequence=5)

    assert runs()[0] == ("pruned", "Packets 1 to 5: all pruned")
    assert "missing" not in mapped().notable


def test_each_stream_has_a_lane():
    send(1, 2, stream="a")
    send(1, 5, stream="b")

    lanes = mapped().lanes

    assert [lane.stream.name for lane in lanes] == ["a", "b"]
    assert [len(lane.gaps) for lane in lanes] == [0, 1]


@pytest.mark.parametrize("count", [1, CELLS - 1, CELLS, CELLS + 1, 1000, 1001])
def test_the_cells_hold_every_packet_once_however_many_there_are(count):
    send(*(number for number in range(1, count + 1) if number != count // 2))

    cells = mapped().lanes[0].cells

    assert len(cells) == min(CELLS, count)
    assert sum(cell.received for cell in cells) == Packet.objects.count()
    assert sum(cell.missing for cell in cells) == Call.objects.get().missing_count
    assert [cell.first for cell in cells[1:]] == [cell.last + 1 for cell in cells[:-1]]


def test_a_map_takes_four_queries_at_most(django_assert_max_num_queries):
    for name in "abcdef":
        send(1, 2, stream=name)
        send(9, stream=name)
        send(4, stream=name)
    services.end_call(call_id="c-1")
    send(12, stream="a")
    streams = list(Call.objects.get().streams.all())

    with django_assert_max_num_queries(4):
        assert len(read_packet_map(streams).lanes) == 6


def test_a_map_without_packets_is_empty(supervisor):
    services.start_call(call_id="c-1")

    html = supervisor.get("/supervisor/calls/c-1/packets").content.decode()

    assert mapped().lanes == []
    assert "No packet has been received" in html


def test_the_packet_map_needs_the_permission_to_see_calls(client, visitor):
    send(1)
    assert client.get("/supervisor/calls/c-1/packets").status_code == 302

    assert visitor().get("/supervisor/calls/c-1/packets").status_code == 403


def test_the_map_of_an_unknown_call_is_not_found(supervisor):
    assert supervisor.get("/supervisor/calls/nobody/packets").status_code == 404
