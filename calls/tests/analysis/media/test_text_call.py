"""Calls whose packets carry words."""

import pytest

from calls.analysis.media.assembly import assemble
from calls.analysis.media.packets import PacketRow
from calls.analysis.media.textcall import TextCall

TEXT = "text/plain"


def line(sequence: int, at: float, words: str, track: str = "", stream: str = "s") -> PacketRow:
    return PacketRow(stream, track, sequence, at, words, "")


def turns(rows, **more) -> list[tuple[str, int, int, str]]:
    call = assemble(rows, TEXT, **more)
    assert isinstance(call, TextCall)
    return [(turn.speaker, turn.begin_ms, turn.end_ms, turn.text) for turn in call.turns]


def test_the_track_identifies_the_speaker():
    rows = [line(1, 10.0, "Good morning", "agent"), line(2, 11.0, "Hello there", "inbound")]

    assert turns(rows) == [
        ("agent", 0, 800, "Good morning"),
        ("customer", 1000, 1800, "Hello there"),
    ]


def test_without_a_track_a_name_in_the_words_identifies_the_speaker():
    rows = [line(1, 0.0, "Agent: Good morning"), line(2, 1.0, " customer : Hello there")]

    assert [(who, text) for who, _, _, text in turns(rows)] == [
        ("agent", "Good morning"),
        ("customer", "Hello there"),
    ]


def test_one_packet_may_hold_a_whole_dialogue():
    rows = [line(1, 0.0, "Agent: Good morning\nCustomer: Hello there\nhow are you")]

    assert turns(rows) == [
        ("agent", 0, 800, "Good morning"),
        ("customer", 800, 2800, "Hello there how are you"),
    ]


def test_words_without_a_speaker_are_attributed_to_the_customer_with_a_note():
    call = assemble([line(1, 0.0, "Hello there"), line(2, 1.0, "Agent: Hi")], TEXT)

    assert [turn.speaker for turn in call.turns] == ["customer", "agent"]
    assert any("The speaker of 1 of the lines is unknown" in note for note in call.notes)


def test_the_track_outranks_a_name_in_the_words_which_then_stays():
    rows = [line(1, 0.0, "Agent: you said", "customer"), line(2, 9.0, "Agent: yes", "agent")]

    assert [(who, text) for who, _, _, text in turns(rows)] == [
        ("customer", "Agent: you said"),
        ("agent", "yes"),
    ]


def test_the_map_of_tracks_can_be_overridden():
    rows = [line(1, 0.0, "Hello", "inbound")]

    assert turns(rows, track_speakers={"inbound": "agent"})[0][0] == "agent"


def test_a_turn_ends_when_its_words_are_spoken_or_the_next_one_starts():
    rows = [
        line(1, 0.0, "one two three four five", "agent"),
        line(2, 1.0, "one two", "customer"),
        line(3, 9.0, "one", "agent"),
    ]

    assert [turn[1:3] for turn in turns(rows)] == [(0, 1000), (1000, 1800), (9000, 9400)]


@pytest.mark.parametrize(("pause_s", "expected"), [(1.4, 1), (1.5, 2)])
def test_neighbours_of_one_speaker_are_joined_below_a_pause_of_1500_ms(pause_s, expected):
    rows = [line(1, 0.0, "Hello there", "agent"), line(2, 0.8 + pause_s, "again", "agent")]

    assert len(turns(rows)) == expected


def test_order_and_repetition_of_packets_do_not_matter():
    rows = [line(n, n * 2.0, f"word {n}", ("agent", "customer")[n % 2]) for n in range(8)]

    assert turns([*rows[::-1], *rows[3:6]]) == turns(rows)


def test_within_a_stream_the_sequence_decides_the_order_not_the_clock():
    rows = [line(1, 5.0, "first", "agent"), line(2, 4.0, "second", "customer")]
    rows.append(line(3, 7.0, "third", "agent"))

    assert [turn[3] for turn in turns(rows)] == ["first", "second", "third"]


def test_streams_are_interleaved_by_the_clock():
    rows = [
        line(1, 100.0, "hello", "agent", "a"),
        line(2, 104.0, "fine", "agent", "a"),
        line(1, 102.0, "how are you", "customer", "b"),
    ]

    assert [turn[3] for turn in turns(rows)] == ["hello", "how are you", "fine"]


@pytest.mark.parametrize("origin", [0.0, 1_700_000_000_000.0])
def test_timestamps_in_milliseconds_are_recognised(origin):
    rows = [
        line(1, origin, "Good morning", "agent"),
        line(2, origin + 2000, "Hello there", "customer"),
        line(3, origin + 4000, "Well", "agent"),
    ]

    assert [turn[1] for turn in turns(rows)] == [0, 2000, 4000]


def test_a_clock_that_does_not_advance_is_replaced_by_an_estimate():
    rows = [line(n, 7.0, "one two", ("agent", "customer")[n % 2]) for n in range(3)]

    call = assemble(rows, TEXT)

    assert [turn.begin_ms for turn in call.turns] == [0, 800, 1600]
    assert any("no usable times" in note for note in call.notes)


def test_packets_without_words_are_not_turns():
    rows = [line(1, 0.0, "  \n", "agent"), line(2, 1.0, "Hello", "customer")]

    assert [turn[3] for turn in turns(rows)] == ["Hello"]


def test_a_call_without_words_says_so():
    call = assemble([line(1, 0.0, " ")], TEXT)

    assert call.turns == ()
    assert call.duration_ms == 0
    assert "No words were received." in call.notes


def test_estimates_are_reported():
    call = assemble([line(1, 0.0, "Hello", "agent")], TEXT)

    assert [skipped.stage for skipped in call.skipped] == ["speech"]
