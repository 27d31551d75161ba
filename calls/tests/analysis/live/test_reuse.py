"""Live words become the transcript. Each word appears once, whatever is missing."""

from copy import copy
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calls.analysis.live.reuse.known import known_of
from calls.analysis.live.reuse.transcript import match
from calls.analysis.media.assembly import assemble
from calls.conversation import SPEAKERS, CallAudio, Channel
from calls.tests.analysis.live.bursts import (
    MEDIA,
    RATE,
    BurstProvider,
    Loudness,
    channel_of,
    find_speech,
    packets_of,
    said,
    words_in,
)
from calls.tests.analysis.live.hearing import hear, rows_for

AGENT = channel_of(
    (1, [1, 2, 3]), (6, [4, 5]), (12, range(6, 56)), (38, [66]), (44, [67, 68]), length_s=48
)
CUSTOMER = channel_of(
    (3, [70, 71]), (8, [72, 73, 74, 75]), (33, [76]), (36, [77, 78]), (41, [79, 80]),
    length_s=48, seed=2,
)  # fmt: skip
PACKETS = packets_of((AGENT, CUSTOMER))


def heard_rows(packets):
    utterances = hear(packets, default_media=MEDIA, detector=Loudness)
    return list(rows_for(utterances, BurstProvider()))


def found(audio, rows, *, swapped=False):
    rates = {each.speaker: each.rate for each in audio.channels}
    known = known_of(rows, rates=rates, swapped=swapped)
    return match(audio, known, model=BurstProvider.speech_model, find_speech=find_speech)


def transcript(audio, rows, *, swapped=False):
    heard = found(audio, rows, swapped=swapped)
    if heard is None:
        return BurstProvider().hear(audio)
    return heard.joined_with(BurstProvider().hear(heard.rest))


def truth(audio, who):
    return [word.text for each in audio.channels if each.speaker == who for word in words_in(each)]


@pytest.fixture(scope="module")
def audio():
    return assemble(PACKETS)


@pytest.fixture(scope="module")
def rows():
    return heard_rows(PACKETS)


def test_a_call_that_was_fully_transcribed_live_leaves_nothing_to_recognise(audio, rows):
    heard = found(audio, rows)

    assert heard.rest == CallAudio(())
    assert heard.left_ms == 0
    assert heard.heard_ms == sum(row.length for row in rows) * 1000 // RATE


def test_the_result_equals_that_of_the_whole_call(audio, rows):
    whole = BurstProvider().hear(audio)

    joined = transcript(audio, rows)

    assert [(turn.speaker, turn.text) for turn in joined.turns] == [
        (turn.speaker, turn.text) for turn in whole.turns
    ]
    for turn, other in zip(joined.turns, whole.turns, strict=True):
        times = [(word.begin_ms, word.end_ms) for word in turn.words]
        assert times == [pytest.approx((word.begin_ms, word.end_ms), abs=2) for word in other.words]
    assert joined.model == whole.model
    assert joined.duration_ms == whole.duration_ms
    assert joined.skipped == ()
    for who in SPEAKERS:
        assert len(joined.speech[who]) == len(whole.speech[who])
        for one, other in zip(joined.speech[who], whole.speech[who], strict=True):
            assert one.begin_ms == pytest.approx(other.begin_ms, abs=40)  # frames of 32 ms
            assert one.end_ms == pytest.approx(other.end_ms, abs=40)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_each_word_is_in_the_transcript_once_whatever_was_missed_or_late(audio, rows, data):
    late = data.draw(st.sets(st.integers(0, len(PACKETS) - 1), max_size=12))
    hole = data.draw(st.integers(0, len(PACKETS)))
    late |= set(range(hole, min(hole + data.draw(st.integers(0, 300)), len(PACKETS))))
    live = heard_rows([row for n, row in enumerate(PACKETS) if n not in late]) if late else rows
    kept = [row for row in live if data.draw(st.booleans() | st.just(True))]

    joined = transcript(audio, kept)

    for who in SPEAKERS:
        assert said(joined, who) == truth(audio, who)


def test_only_what_is_missing_is_recognised(audio, rows):
    gone = next(row for row in rows if row.text == "word72 word73 word74 word75")

    heard = found(audio, [row for row in rows if row is not gone])

    (channel,) = heard.rest.channels
    assert channel.speaker == "customer"
    assert heard.left_ms == pytest.approx(gone.length * 1000 / RATE, abs=100)
    assert said(transcript(audio, [row for row in rows if row is not gone]), "customer") == truth(
        audio, "customer"
    )


def provisional(rows, count):
    """Copies in which the customer's last ``count`` were not recognised in one piece."""
    rows = [copy(row) for row in rows]
    own = sorted((row for row in rows if row.speaker == "customer"), key=lambda row: row.begin_ms)
    for row in own[len(own) - count :]:
        row.provisional = True
    return rows


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_last_words_of_a_side_are_recognised_again_as_one_passage(audio, rows, count):
    marked = provisional(rows, count)

    heard = found(audio, marked)

    (channel,) = heard.rest.channels
    assert channel.speaker == "customer"
    assert heard.left_ms == pytest.approx(
        sum(row.length for row in marked if row.provisional) * 1000 / RATE, abs=2
    )
    for who in SPEAKERS:
        assert said(transcript(audio, marked), who) == truth(audio, who)


def test_at_most_one_window_is_recognised_again():
    talk = [(1 + 7 * n, range(1 + 12 * n, 13 + 12 * n)) for n in range(13)]
    packets = packets_of(
        (channel_of(*talk, length_s=95), channel_of((3, [200]), length_s=95, seed=2))
    )
    rows = heard_rows(packets)
    for row in rows:
        row.provisional = True
    audio = assemble(packets)

    heard = found(audio, rows)

    assert 10_000 < heard.left_ms <= 28_000
    assert said(transcript(audio, rows), "agent") == truth(audio, "agent")


def test_if_most_of_the_speech_was_missed_the_whole_call_is_recognised(audio, rows):
    assert found(audio, [row for row in rows if len(row.words) < 4]) is None


def test_the_sides_are_exchanged_if_the_speakers_are_swapped(audio, rows):
    left, right = audio.channels
    swapped = replace(
        audio, channels=(replace(right, speaker="agent"), replace(left, speaker="customer"))
    )

    heard = found(swapped, rows, swapped=True)

    assert heard.rest == CallAudio(())
    joined = heard.joined_with(BurstProvider().hear(heard.rest))
    assert said(joined, "agent") == truth(audio, "customer")


@pytest.mark.parametrize("missing", [(), (0,), (1,), (0, 1)])
def test_a_repeated_announcement_is_in_the_transcript_as_often_as_it_was_played(missing):
    once = channel_of((1, [1, 2, 3]), length_s=5)
    agent = np.concatenate([once, once, once])
    packets = packets_of((agent, channel_of((2, [9]), (9, range(10, 22)), length_s=15)))
    audio = assemble(packets)
    rows = heard_rows(packets)
    announced = [row for row in rows if row.speaker == "agent"]
    gone = [announced[index] for index in missing]

    joined = transcript(audio, [row for row in rows if row not in gone])

    assert said(joined, "agent") == ["word1", "word2", "word3"] * 3


def test_two_streams_of_one_speaker_that_sound_at_once_are_recognised_again(audio, rows):
    other = channel_of((6.1, [30]), length_s=48, seed=5)
    left, right = audio.channels
    mixed = replace(left, samples=(left.samples + other).astype(np.int16))

    heard = found(replace(audio, channels=(mixed, right)), rows)

    if heard is not None:
        placed = [each.known.text for side in heard.sides for each in side.placed]
        assert "word4 word5" not in placed


def test_an_utterance_is_found_where_the_finished_call_has_it(audio, rows):
    late = np.concatenate([np.zeros(7 * RATE, np.int16), audio.channels[0].samples])
    shifted = replace(audio, channels=(Channel("agent", late, RATE),))

    joined = transcript(shifted, rows)

    assert joined.turns[0].words[0].begin_ms == pytest.approx(8000, abs=2)
    assert said(joined, "agent") == truth(audio, "agent")


@pytest.mark.parametrize(
    "damage",
    [
        {"words": [["x", 1, "no"]]},
        {"words": None},
        {"words": [[5000, 1000, "no"]]},
        {"words": 7},
        {"text": ""},
        {"needle": b""},
        {"needle": b"\0" * 512},
        {"needle": b"\1"},
        {"needle_at": 10**9},
        {"length": 0},
        {"length": 10**12},
        {"checksum": 1},
        {"gap_checksum": 1},
        {"end_ms": 0},
        {"begin_ms": 10**12, "end_ms": 10**12 + 1},
        {"number": 99},
        {"rate": 16_000},
        {"channel": "another"},
        {"speaker": "somebody"},
        {"speaker": "agent"},
    ],
)
def test_a_damaged_row_spoils_nothing(audio, rows, damage):
    (row,) = heard_rows(PACKETS)[5:6]
    for name, value in damage.items():
        setattr(row, name, value)

    joined = transcript(audio, [*rows[:5], row, *rows[6:]])

    for who in SPEAKERS:
        assert said(joined, who) == truth(audio, who)


def test_utterances_that_overlap_give_no_word_twice(audio, rows):
    later = heard_rows(PACKETS[700:])
    for row in later:
        row.channel, row.number = f"{row.channel} again", row.number

    joined = transcript(audio, [*rows, *later])

    for who in SPEAKERS:
        assert said(joined, who) == truth(audio, who)


def test_notes_about_silent_sides_are_those_of_the_whole_call():
    agent = channel_of((1, [1, 2, 3]), length_s=5)
    packets = packets_of((agent, np.zeros(5 * RATE, np.int16)))

    joined = transcript(assemble(packets), heard_rows(packets))

    assert [each.reason for each in joined.skipped] == ["The customer's channel is silent."]
    assert said(joined, "agent") == ["word1", "word2", "word3"]
