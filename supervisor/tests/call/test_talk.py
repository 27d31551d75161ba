"""The talk-time bar: four shares that fill the call."""

from supervisor.call.talk import TalkSplit, split_talk


def turn(speaker, begin_ms, end_ms):
    return {"speaker": speaker, "begin_ms": begin_ms, "end_ms": end_ms}


def document(*turns, agent, customer, duration_ms=10_000):
    talk = {"agent": {"total_ms": agent}, "customer": {"total_ms": customer}}
    return {"turns": turns, "talk": talk, "duration_ms": duration_ms}


def test_overlapping_talk_is_counted_once():
    both = (turn("agent", 0, 4000), turn("customer", 3000, 8000))

    split = split_talk(document(*both, agent=4000, customer=5000))

    assert split == TalkSplit(agent_ms=3000, customer_ms=4000, both_ms=1000, silence_ms=2000)


def test_the_shares_fill_the_bar():
    both = (turn("agent", 0, 4000), turn("customer", 3000, 8000))

    parts = split_talk(document(*both, agent=4000, customer=5000)).parts

    assert [part[3] for part in parts] == [0, 30, 40, 80]
    assert sum(part[4] for part in parts) == 100


def test_a_side_that_says_nothing_has_no_share():
    said = {"turns": [turn("agent", 0, 4000)], "talk": {"agent": {"total_ms": 4000}}}

    split = split_talk({**said, "duration_ms": 4000})

    assert split == TalkSplit(4000, 0, 0, 0)


def test_talk_shares_are_unknown_before_the_analysis():
    assert split_talk({"turns": [], "duration_ms": 1}) is None


def test_a_call_without_length_has_a_bar():
    assert split_talk(document(agent=0, customer=0, duration_ms=0)).parts[0][4] == 0
