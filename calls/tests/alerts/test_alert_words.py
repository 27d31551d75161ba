"""Words and phrases: what matches, what is quoted, and that every packet is read once."""

from __future__ import annotations

import threading
import time
from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection, connections, transaction
from django.utils import timezone

from benchmarks.rig.services import Service
from benchmarks.rig.waiting import answers, get, post, wait_until
from calls.alerts.live import packet_words
from calls.alerts.live.packet_words import find_words
from calls.alerts.live.packets import PacketTail
from calls.alerts.phrases import QUOTE_LENGTH, compile_phrases, excerpt, find_phrase
from calls.alerts.rules import RuleBook
from calls.alerts.services import raise_alerts
from calls.alerts.watcher import Watcher
from calls.ingest.record import record_packets
from calls.models import Alert, AlertRule, CallEvent
from calls.services import end_call
from calls.tests.factories import packet


@pytest.mark.parametrize(
    ("phrases", "text", "found"),
    [
        ("cancel", "I want to CANCEL.", "cancel"),
        ("cancel", "It was cancelled.", None),
        ("cancel*", "It was cancelled.", "cancelled"),
        ("cancel my", "Cancel,\n  my contract", "cancel, my"),
        ("don't pay", "I don\u2019t pay.", "don\u2019t pay"),
        ("straße", "In der STRASSE.", "strasse"),
        ("café", "The cafe\u0301 closes.", "café"),
        ("cafe", "The cafe\u0301 closes.", None),
        ("\uff21\uff22\uff23", "abc", "abc"),
        ("адвокат", "Мой АДВОКАТ, да", "адвокат"),
        ("解約", "もう解約します。", "解約"),
        ("解約*", "もう解約します。", "解約"),
        ("ยกเลิก", "ฉันต้องการยกเลิกสัญญา", "ยกเลิก"),
        ("我的 合同", "取消我的合同", None),
        ("pc 電源", "新しいPC 電源が", "pc 電源"),
        ("電源 pc", "電源 PCs", None),
        ("sue you", "I issue you a warning", None),
        ("a.b*c", "axbxc", None),
        ("law\nlawyer", "my lawyer", "lawyer"),
        ("to be", "to_be", "to_be"),
        ("x", "", None),
    ],
)
def test_phrases_match_regardless_of_case_and_punctuation(phrases, text, found):
    assert find_phrase(compile_phrases(phrases), text) == found


@pytest.mark.parametrize("sign", ["_", "\u0301", "a", " ", ".", "a_", "a\u0301"])
def test_a_long_run_of_any_sign_takes_no_longer_than_its_length(sign):
    expression = compile_phrases("cancel* my account\na b*\nmanager*")
    began = time.process_time()

    find_phrase(expression, f"cancel{sign * 60_000}" * 2)

    assert time.process_time() - began < 5


def test_a_quote_is_short_and_around_the_words():
    expression = compile_phrases("lawyer")
    text = "so " * 200 + "my lawyer says " + "no " * 200

    quote = excerpt(text, expression)

    assert "lawyer" in quote
    assert len(quote) <= QUOTE_LENGTH + 2


def rule(**fields):
    defaults = {"name": "Words", "kind": "words", "phrases": "lawyer", "speaker": "customer"}
    return AlertRule.objects.create(**{**defaults, **fields})


def run(tail):
    book = RuleBook()
    book.refresh()
    found = list(find_words(book.of("words"), tail.read()))
    raise_alerts(found, now=timezone.now())
    tail.done()
    return found


def test_words_raise_an_alert_with_a_redacted_quote(only_mine):
    rule()
    tail = PacketTail()
    record_packets(
        [
            packet("c-1", 1, "What is your card number?", track="agent", timestamp=100.0),
            packet("c-1", 2, "4111 1111 1111 1111, and my lawyer will call.", timestamp=103.5),
        ]
    )

    run(tail)

    alert = Alert.objects.get()
    assert (alert.speaker, alert.offset_ms, alert.found) == ("customer", 3500, "Said “lawyer”.")
    assert "[CARD]" in alert.quote
    assert "4111" not in alert.quote + str(CallEvent.objects.get(type="alert_raised").data)


@pytest.mark.parametrize(
    ("fields", "track", "words", "count"),
    [
        ({}, "agent", "lawyer", 0),
        ({"speaker": ""}, "agent", "lawyer", 1),
        ({"speaker": "agent"}, "", "Agent: my lawyer", 1),
        ({"queues": ["sales"]}, "customer", "lawyer", 0),
        ({"enabled": False}, "customer", "lawyer", 0),
        ({}, "customer", "A" * 200, 0),
    ],
)
def test_a_rule_matches_only_its_speakers_and_words(only_mine, fields, track, words, count):
    rule(**fields)
    tail = PacketTail()
    record_packets([packet("c-1", 1, words, track=track)])

    run(tail)

    assert Alert.objects.count() == count


def test_audio_is_not_read(only_mine):
    tail = PacketTail()
    record_packets([packet("c-1", 1, "lawyer lawyer", media="audio/x-mulaw;rate=8000")])

    assert tail.read() == []


def test_words_that_come_after_the_end_raise_their_alert(only_mine):
    rule()
    tail = PacketTail()
    record_packets([packet("c-1", 1, "Good bye.")])
    end_call(call_id="c-1")
    record_packets([packet("c-1", 2, "My lawyer will call.")])

    run(tail)

    assert Alert.objects.get().quote == "My lawyer will call."


def test_packets_of_a_dead_watcher_are_read_again_and_raise_once(only_mine):
    rule(repeat_after_s=1)
    first = PacketTail()
    record_packets([packet("c-1", 1, "my lawyer")])
    book = RuleBook()
    book.refresh()
    raise_alerts(list(find_words(book.of("words"), first.read())), now=timezone.now())

    later = timezone.now() + timezone.timedelta(hours=1)
    found = list(find_words(book.of("words"), PacketTail().read()))
    raise_alerts(found, now=later)

    assert (len(found), Alert.objects.count()) == (1, 1)


def test_words_from_before_the_first_worker_of_a_new_site_raise_an_alert(only_mine):
    import_module("calls.migrations.0058_watches_begin").begin(apps, None)
    rule()
    record_packets([packet("c-1", 1, "my lawyer")])

    Watcher(owner="one").step()

    assert Alert.objects.count() == 1


def test_a_rule_finds_words_said_right_after_it_was_created(only_mine):
    watcher = Watcher(owner="one")
    watcher.step()
    rule()
    record_packets([packet("c-1", 1, "my lawyer")])

    watcher.step()

    assert Alert.objects.count() == 1


def test_an_idle_watcher_runs_few_queries(only_mine, django_assert_max_num_queries):
    rule()
    watcher = Watcher(owner="one")
    watcher.step()

    with django_assert_max_num_queries(6):
        watcher.step()


def test_only_the_holder_of_the_lease_watches(only_mine):
    rule()
    one, two = Watcher(owner="one"), Watcher(owner="two")
    one.step()
    two.step()
    record_packets([packet("c-1", 1, "my lawyer")])

    two.step()
    before = Alert.objects.count()
    one.step()

    assert (before, Alert.objects.count()) == (0, 1)


postgres_only = pytest.mark.skipif(
    "connection.vendor != 'postgresql'", reason="a race that SQLite's one writer excludes"
)


@postgres_only
@pytest.mark.django_db(transaction=True)
def test_a_packet_that_commits_after_a_later_one_is_not_missed():
    AlertRule.objects.all().delete()
    rule()
    # Opening a call is an event, and those wait for each other; packets of open calls do not.
    record_packets([packet("slow", 1, "hello there"), packet("fast", 1, "hello there")])
    tail = PacketTail()
    stored, go = threading.Event(), threading.Event()

    def slow():
        with transaction.atomic():
            record_packets([packet("slow", 2, "my lawyer")])
            stored.set()
            go.wait(10)
        connections.close_all()

    thread = threading.Thread(target=slow)
    thread.start()
    stored.wait(10)
    record_packets([packet("fast", 2, "my lawyer")])
    for _ in range(3):
        run(tail)
    before = set(Alert.objects.values_list("call__call_id", flat=True))
    go.set()
    thread.join()
    # The second look waits for every older transaction of the server, also of other databases.
    wait_until(lambda: run(tail) or Alert.objects.count() > 1, what="the second look")

    assert before == {"fast"}
    assert set(Alert.objects.values_list("call__call_id", flat=True)) == {"fast", "slow"}
    assert Alert.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_workers_that_both_watch_raise_nothing_twice():
    if connection.vendor != "postgresql":
        pytest.skip("needs two writers at once")
    AlertRule.objects.all().delete()
    rule()
    rule(name="Again", repeat_after_s=1)
    tails = [PacketTail(), PacketTail()]
    record_packets([packet(f"c-{n}", at, "my lawyer") for n in range(20) for at in (1, 2, 3)])

    def work(tail):
        run(tail)
        connections.close_all()

    threads = [threading.Thread(target=work, args=(tail,)) for tail in tails]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Alert.objects.count() == 40
    assert CallEvent.objects.filter(type="alert_raised").count() == 40


@pytest.mark.processes
def test_words_of_a_live_call_are_in_the_feed_soon_even_after_the_watcher_was_killed(tmp_path):
    with Service(tmp_path) as service:
        address = service.web()
        worker = service.worker()
        url = f"{address}/v1/events?limit=1000"

        def alerts():
            return [one for one in get(url)["results"] if one["type"] == "alert_raised"]

        def say(call_id):
            words = {"sequence": 1, "data": "I want your supervisor.", "timestamp": 1}
            post(f"{address}/v1/call/stream/{call_id}", {**words, "track": "customer"})

        wait_until(lambda: answers(f"{address}/readyz"), what="the worker")
        say("first")
        wait_until(lambda: len(alerts()) == 1, what="the alert")
        worker.kill()
        worker.wait()
        say("second")
        service.worker()
        found = wait_until(lambda: len(alerts()) == 2 and alerts(), what="the alert after a crash")

    assert {one["call_id"] for one in found} == {"first", "second"}


def test_a_malformed_packet_does_not_stop_the_watcher(only_mine, monkeypatch, caplog):
    rule()
    tail = PacketTail()
    record_packets([packet("odd", 1, "odd words here"), packet("c-1", 1, "my lawyer called")])
    sound = packet_words.spoken_parts

    def stumble(data, *rest):
        if data.startswith("odd"):
            raise RuntimeError("a fault of this program")
        return sound(data, *rest)

    monkeypatch.setattr(packet_words, "spoken_parts", stumble)
    run(tail)

    assert list(Alert.objects.values_list("call__call_id", flat=True)) == ["c-1"]
    assert "is not searched" in caplog.text


def test_a_rule_that_has_raised_its_alert_costs_nothing(only_mine, django_assert_max_num_queries):
    rule()
    tail = PacketTail()
    record_packets([packet("c-1", at, "my lawyer called") for at in range(1, 51)])
    run(tail)
    record_packets([packet("c-1", at, "my lawyer called") for at in range(51, 101)])

    with django_assert_max_num_queries(8):
        found = run(tail)

    assert (found, Alert.objects.count()) == ([], 1)
