"""The ideal schedule, computed by hand: slots, waits between attempts, and order."""

from benchmarks.analysis.schedule import Fate, ideal


def test_calls_that_find_no_slot_wait_for_one():
    fates = [Fate((2.0,), archived=True)] * 3

    assert ideal(fates, slots=2, base_s=2) == [2.0, 2.0, 4.0]


def test_a_call_that_waits_for_its_next_attempt_holds_no_slot():
    fates = [Fate((1.0, 1.0), archived=True), Fate((1.5,), archived=True)]

    assert ideal(fates, slots=1, base_s=2) == [4.0, 2.5]


def test_waits_double():
    fate = Fate((1.0,) * 5, archived=False)

    assert ideal([fate], slots=1, base_s=2) == [5 + 2 + 4 + 8 + 16]
    assert fate.own_s(2) == 35.0
