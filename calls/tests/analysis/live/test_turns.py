"""Which call gets the next slot if more are live than can be transcribed."""

from datetime import UTC, datetime, timedelta

from calls.analysis.live.leases import CallNow
from calls.analysis.live.turns import PLACE_S, Place, Rank, plan, rank_of

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def call(pk, *, queue="", watched=False, opened_s=5, owner="", heard_s=None):
    return CallNow(
        pk=pk,
        queue=queue,
        opened_at=NOW - timedelta(seconds=opened_s),
        watched=watched,
        owner=owner,
        token=1,
        expires_at=NOW + timedelta(seconds=5) if owner else None,
        changed_at=None if heard_s is None else NOW - timedelta(seconds=heard_s),
    )


def planned(calls, mine=None, *, cap=2, clock=100.0):
    return plan(
        calls, mine or {}, owner="me", important={"vip"}, cap=cap, now=NOW, clock=clock
    )  # fmt: skip


def test_watched_calls_come_first_then_important_ones_then_the_others():
    calls = [call(1), call(2, queue="vip"), call(3, watched=True), call(4)]

    found = planned(calls, cap=3)

    assert found.take == [3, 2, 1]
    assert found.waiting == 1


def test_among_the_others_the_one_that_has_waited_longest_comes_first():
    calls = [call(1, heard_s=3), call(2, heard_s=30), call(3, heard_s=10)]

    assert planned(calls).take == [2, 3]


def test_a_call_of_another_process_is_left_to_it():
    assert planned([call(1, owner="other"), call(2)]).take == [2]


def test_a_process_takes_its_own_calls_back_after_a_start():
    assert planned([call(1, owner="me")]).take == [1]


def test_the_call_with_the_longest_turn_gives_up_its_place():
    held = {1: Place(since=70), 2: Place(since=75)}
    calls = [call(1, owner="me"), call(2, owner="me"), call(3)]

    assert planned(calls, held).give == [1]


def test_no_call_gives_up_its_place_too_early():
    held = {1: Place(since=100 - PLACE_S + 1), 2: Place(since=99)}
    calls = [call(1, owner="me"), call(2, owner="me"), call(3)]

    assert planned(calls, held).give == []


def test_a_call_that_is_opened_in_a_browser_takes_a_place_at_once():
    held = {1: Place(since=99), 2: Place(since=98)}
    calls = [call(1, owner="me"), call(2, owner="me", queue="vip"), call(3, watched=True)]

    assert planned(calls, held).give == [1]


def test_a_watched_call_keeps_its_place():
    held = {1: Place(since=0)}
    calls = [call(1, owner="me", watched=True), call(2, opened_s=500)]

    assert planned(calls, held, cap=1).give == []


def test_a_call_that_has_waited_for_long_comes_before_important_ones():
    calls = [call(1, queue="vip", heard_s=10), call(2, heard_s=50)]

    assert planned(calls, cap=1).take == [2]


def test_every_call_gets_its_turn():
    clock, calls, heard = 0.0, dict.fromkeys(range(6)), set()
    mine = {}
    for _ in range(120):
        now_calls = [
            call(
                pk,
                owner="me" if pk in mine else "",
                opened_s=clock,
                heard_s=None if at is None else clock - at,
            )
            for pk, at in calls.items()
        ]
        found = planned(now_calls, mine, clock=clock)
        for pk in found.give:
            calls[pk] = clock
            del mine[pk]
        for pk in found.take:
            mine[pk] = Place(since=clock)
        heard |= set(mine)
        assert len(mine) <= 2
        clock += 1

    assert heard == set(calls)


def test_text_needs_no_place():
    held = {1: Place(since=0, needs_place=False), 2: Place(since=0, needs_place=False)}
    calls = [call(1, owner="me"), call(2, owner="me"), call(3), call(4)]

    found = planned(calls, held)

    assert (found.take, found.give) == ([3, 4], [])


def test_the_rank_of_a_call():
    ranks = [rank_of(each, {"vip"}) for each in (call(1, watched=True), call(2, queue="vip"))]

    assert ranks == [Rank.WATCHED, Rank.IMPORTANT]
    assert rank_of(call(3, queue="sales"), {"vip"}) == Rank.OTHER
