"""Frames whose numbers wrap around, restart or repeat are stored once each, in order."""

import base64
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from calls.ingest.carriers import Ignored, Media, Start
from calls.ingest.carriers.numbering import RECENT_KEPT, Arrival, Numbering
from calls.ingest.carriers.session import Identity, Session

FRAME = 160
SILENCE = 0xFFFF  # in place of a number


def frame(at, number=None, chunk=None, stamp_ms=None, track="inbound"):
    """A frame of 20 ms whose content tells which one it is."""
    return Media(
        payload=at.to_bytes(2, "big") * (FRAME // 2),
        track=track,
        number=number,
        chunk=chunk,
        stamp=stamp_ms,
    )


def played(events):
    """What a session stores of these events, and its counts."""
    session, packets = Session(row_age_s=1.5), []
    start = Start(media="audio/x-mulaw;rate=8000", number=1)  # some number frames apart from it
    session.take(start, 0.0)
    session.begin(Identity("c", "s"))
    for at, event in enumerate(events, 1):
        session.take(event, at * 0.02)
        packets += session.due(at * 0.02)
    packets += session.finish(len(events) * 0.02 + 9)
    frames = [each.frames for each in packets if each.frames]
    return packets, sum(frames[1:], frames[0])


def counted(packets):
    return sum(each.frames.received for each in packets if each.frames)


def heard(packets):
    audio = b"".join(base64.b64decode(each.data) for each in packets)
    assert len(audio) % FRAME == 0
    return [int.from_bytes(audio[at : at + 2], "big") for at in range(0, len(audio), FRAME)]


@pytest.mark.parametrize("wrap", [2**16, 2**32])
@pytest.mark.parametrize("lost", [0, 3])
def test_a_wrap_around_stays_one_numbering(wrap, lost):
    numbers = Numbering()

    for at in range(100):
        if at != 50 or not lost:
            numbers.see((wrap - 50 + at) % wrap, at)

    assert (numbers.highest, numbers.missing) == (wrap + 49, 1 if lost else 0)


def test_a_duplicate_is_recognised_by_content_and_time():
    numbers = Numbering()
    for at in range(10):
        numbers.see(at, f"frame {at}", 20.0 * at)

    assert numbers.see(3, "frame 3", 60.0) is Arrival.REPEATED
    assert numbers.see(3, "frame 3", 61.0) is Arrival.IN_ORDER
    assert numbers.see(4, "other", 80.0) is Arrival.IN_ORDER


steady = st.fixed_dictionaries(
    {
        "begin": st.integers(0, 2**32),
        "step": st.sampled_from([0, 1, 2, 3]),  # other messages may be numbered too
        "stamp_step": st.sampled_from([None, 0.0, 2.5, 10.0, 20.0, 1_000.0, 160.0, 20_000_000.0]),
        "tracks": st.integers(1, 2),
        "behind": st.integers(0, RECENT_KEPT - 1),
    }
)


@given(steady)
def test_a_duplicate_is_recognised_among_many_messages(plan):
    assume(plan["step"] or plan["stamp_step"])
    tracks, numbers = plan["tracks"], Numbering()
    sent = []
    for at in range(RECENT_KEPT):
        stamp_ms = None if plan["stamp_step"] is None else at * plan["stamp_step"]
        number = plan["begin"] + at * plan["step"]
        sent += [(number, (track, at), stamp_ms) for track in range(tracks)]

    assert Arrival.REPEATED not in {numbers.see(*each) for each in sent}
    assert numbers.see(*sent[-1 - plan["behind"] * tracks]) is Arrival.REPEATED


def test_the_first_frames_may_overtake_each_other():
    packets, counts = played([frame(n, n, n, 20.0 * n) for n in (3, 1, 2, 4, 5)])

    assert heard(packets) == [1, 2, 3, 4, 5]
    assert (counts.missing, counts.repeated, counts.reordered) == (0, 0, 2)


def test_a_jump_without_matching_time_is_not_a_loss():
    events = [frame(n, n, n, 20.0 * n) for n in range(1, 51)]
    events += [frame(n, n + 51_000, n + 51_000, 20.0 * n) for n in range(51, 101)]

    packets, counts = played(events)

    assert heard(packets) == [*range(1, 101)]
    assert (counts.missing, counts.restarts) == (0, 1)


@pytest.mark.parametrize("numbered", [{"number", "chunk"}, {"number"}, {"chunk"}])
@pytest.mark.parametrize("restarts", [0, 1, 3])
def test_restarts_are_counted_and_a_wrap_is_none(numbered, restarts):
    events, at = [], 0
    for begin in [65_520, *[30_000, 20_000, 10_000][:restarts]]:
        for number in range(begin, begin + 40):
            named = dict.fromkeys(numbered, number % 2**16)
            events.append(frame(at, **named, stamp_ms=20.0 * at))
            at += 1

    packets, counts = played(events)

    assert heard(packets) == [*range(at)]
    assert (counts.restarts, counts.missing) == (restarts, 0)


def test_messages_between_frames_are_also_numbered():
    events = []
    for at in range(65_500, 65_580):
        events += [frame(at - 65_500, 2 * at % 2**16), Ignored((2 * at + 1) % 2**16)]

    packets, counts = played(events)

    assert heard(packets) == [*range(80)]
    assert (counts.missing, counts.repeated) == (0, 0)


# No run ends just where another begins.
BEGINS = [0, 1, 1000, 65_520, 2**32 - 10, 2**40]


plans = st.fixed_dictionaries(
    {
        "clock": st.sampled_from(["runs on", "is reset", "none"]),
        "numbered": st.sampled_from(["number", "chunk", "both"]),
        "runs": st.lists(
            st.tuples(st.sampled_from(BEGINS), st.integers(24, 60)), min_size=1, max_size=4
        ),
        "window": st.integers(1, 6),
        "repeats": st.integers(0, 8),
        "seed": st.integers(0, 2**16),
    }
)


def socket_of(plan):
    """Return the number of frames, and the frames as they arrive."""
    chance, sent, spoken, stamp = Random(plan["seed"]), [], 0, 0.0
    for drawn, count in plan["runs"]:
        # Without a clock, a number that is still free does not show that the numbering is new.
        begin = drawn if plan["clock"] == "runs on" else plan["runs"][0][0]
        wrap = next((each for each in (2**16, 2**32) if begin < each), 2**60)
        stamp = 0.0 if plan["clock"] == "is reset" else stamp
        run = []
        for at in range(count):
            number = (begin + at) % wrap
            run.append(
                frame(
                    spoken,
                    number if plan["numbered"] != "chunk" else None,
                    number if plan["numbered"] != "number" else None,
                    None if plan["clock"] == "none" else stamp,
                )
            )
            spoken, stamp = spoken + 1, stamp + 20.0
        order = sorted(range(count), key=lambda at: at + chance.randrange(plan["window"]))
        sent += [run[at] for at in order]
    for _ in range(plan["repeats"]):
        at = chance.randrange(len(sent))
        sent.insert(at + chance.randint(1, 5), sent[at])
    return spoken, sent


@settings(max_examples=100, deadline=None)
@given(plans)
def test_every_frame_is_kept_once_in_spoken_order(plan):
    spoken, sent = socket_of(plan)

    packets, counts = played(sent)

    assert heard(packets) == [*range(spoken)]
    assert (counts.received, counts.repeated) == (spoken, len(sent) - spoken)


@settings(max_examples=50, deadline=None)
@given(plans, st.sampled_from([0.1, 1.5]))
def test_frames_count_once_they_are_in_a_packet(plan, row_age_s):
    spoken, sent = socket_of(plan)
    session, packets = Session(row_age_s=row_age_s), []
    session.take(Start(media="audio/x-mulaw;rate=8000", number=1), 0.0)
    session.begin(Identity("c", "s"))

    for at, event in enumerate(sent, 1):
        session.take(event, at * 0.02)
        packets += session.due(at * 0.02)
        assert counted(packets) == len(set(heard(packets)) - {SILENCE})
    packets += session.finish(len(sent) * 0.02)

    assert counted(packets) == spoken


def test_frames_without_audio_count_as_well():
    empty = Media(payload=b"", track="inbound", number=2, stamp=40.0)

    packets, counts = played([frame(1, 1, stamp_ms=20.0), empty])

    assert (heard(packets), counts.received) == ([1], 2)


@settings(max_examples=50, deadline=None)
@given(plans)
def test_both_tracks_keep_every_frame_whatever_the_numbering_counts(plan):
    spoken, sent = socket_of(plan)
    other = [Media(payload=each.payload[::-1], track="outbound", number=each.number,
                   chunk=each.chunk, stamp=each.stamp) for each in sent]  # fmt: skip

    packets, counts = played([one for pair in zip(sent, other, strict=True) for one in pair])

    stored = [heard([each for each in packets if each.track == track])
              for track in ("inbound", "outbound")]  # fmt: skip
    assert [len(set(each) - {SILENCE}) for each in stored] == [spoken, spoken]
    assert counts.received == 2 * spoken
