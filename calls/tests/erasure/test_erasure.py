"""An erasure is complete or not finished, survives any crash, and stops at legal holds."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from pkgutil import resolve_name

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.utils import timezone

from calls.audit.chain import check, seal
from calls.erasure import services
from calls.erasure.again import is_restored
from calls.erasure.plan import make_plan
from calls.erasure.services import (
    ErasureRefused,
    carry_on,
    resume_erasures,
    save_erasure,
    start_erasure,
)
from calls.holds.services import HoldRefused, hold_customer, set_hold
from calls.ingest.call_ids import as_call_id
from calls.models import AuditEntry, Call, CallEvent, Erasure, ErasureItem, Packet, Recording
from calls.tests.factories import archived_call, live_call

pytestmark = pytest.mark.django_db
NUMBER = "+49 30 5550199"


def call_of(number=NUMBER, call_id=None, **fields):
    call = archived_call(call_id)
    Call.objects.filter(pk=call.pk).update(caller=number, direction="inbound", **fields)
    return Call.objects.get(pk=call.pk)


def with_files(call):
    names = [f"recordings/2026-11-29/{call.pk}{kind}.wav" for kind in ("", "-redacted")]
    for name in names:
        default_storage.save(name, ContentFile(b"sound"))
    Recording.objects.create(
        call=call, version=1, file=names[0], redacted_file=names[1], size=5, duration_ms=1,
        created_at=timezone.now(),
    )  # fmt: skip
    return names


def lines():
    ledger = Path(services.ledger.settings.ERASURE_LEDGER).read_text()
    return [json.loads(line) for line in ledger.splitlines()]


class Crash(BaseException):
    """The process is killed here."""


@pytest.mark.parametrize("given", ["a/b;c@10.0.0.1", "b64:YS9iO2NAMTAuMC4wLjE"])
def test_an_erasure_finds_a_call_by_its_external_id(given):
    call_of(call_id=as_call_id("a/b;c@10.0.0.1"))

    carry_on(start_erasure(call_ids=[given, "nowhere"], reason="They asked").pk)

    assert not Call.objects.exists()


def test_every_spelling_of_a_number_is_found():
    for at, number in enumerate(["+49 30 5550199", "0049305550199", "sip:+49305550199@pbx", "1"]):
        call_of(number, f"c-{at}")

    done = carry_on(start_erasure(numbers=["+49-30-5550199"], reason="They asked").pk)

    assert done.counts["calls"] == 3
    assert Call.objects.get().call_id == "c-3"


def test_only_the_number_of_the_customer_is_compared():
    call = call_of("100", "c-1")
    Call.objects.filter(pk=call.pk).update(callee="200")

    assert make_plan(call_ids=[], numbers=["200"]).calls == 0
    assert make_plan(call_ids=[], numbers=["100"]).calls == 1


def test_a_call_on_hold_stays_whole_and_the_report_says_so(capsys):
    held, other = call_of(call_id="held"), call_of(call_id="other")
    set_hold(call_id="held", reason="Case 4711", by="ana")

    call_command("erase", "--number", NUMBER, "--reason", "They asked")

    out = capsys.readouterr().out
    assert "held stays: on legal hold: Case 4711" in out
    assert "1 held calls" in out
    assert Call.objects.get() == held
    assert Packet.objects.filter(stream__call=held).count() == held.packet_count
    assert not Call.objects.filter(pk=other.pk).exists()


def test_a_hold_on_the_customer_also_stops_an_erasure():
    call_of(call_id="c-1")
    hold_customer(number=NUMBER, reason="Case 4711")

    done = carry_on(start_erasure(numbers=[NUMBER], reason="They asked").pk)

    assert done.counts == {"held calls": 1}
    assert Call.objects.count() == 1


def test_a_live_call_is_erased_once_it_is_over(capsys):
    call = live_call("c-1")

    with pytest.raises(CommandError, match="Not finished: 1 calls"):
        call_command("erase", "--call-id", "c-1", "--reason", "They asked")
    assert Call.objects.count() == 1

    Call.objects.filter(pk=call.pk).update(state="ARCHIVED", ended_at=timezone.now())
    assert resume_erasures() == 1
    assert Call.objects.count() == 0


def test_a_dry_run_erases_nothing(capsys):
    call_of(call_id="c-1")

    call_command("erase", "--number", NUMBER, "--dry-run")

    assert "1 calls with 4 packets" in capsys.readouterr().out
    assert (Call.objects.count(), Erasure.objects.count()) == (1, 0)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({}, "at least one"),
        ({"numbers": ["anonymous"]}, "withhold"),
        ({"numbers": ["1"]}, "3 to 200"),
        ({"numbers": ["+4930"] * 101}, "At most 100"),
        ({"call_ids": ["c"], "reason": ""}, "A reason has"),
    ],
)
def test_an_invalid_erasure_is_refused(options, problem):
    with pytest.raises((ErasureRefused, HoldRefused), match=problem):
        start_erasure(**{"reason": "They asked", **options})


def test_personal_data_in_the_reason_does_not_get_into_the_ledger():
    done = carry_on(start_erasure(call_ids=["c"], reason="Asked by ann@example.com").pk)

    assert "ann@example.com" not in done.reason
    assert "ann@example.com" not in str(lines())


def test_the_ledger_says_who_when_why_and_how_much_by_digests_only():
    call = call_of(call_id="c-1")
    with_files(call)

    done = carry_on(start_erasure(numbers=[NUMBER], reason="Case 1", by="ana").pk)

    (line,) = lines()
    assert (line["by"], line["reason"], line["id"]) == ("ana", "Case 1", str(done.pk))
    assert line["counts"] == {"calls": 1, "packets": 4, "files": 2}
    assert [len(digest) for digest in line["numbers"] + line["calls"]] == [64, 64]
    assert "c-1" not in str(line)
    assert "5550199" not in str(line) + str(vars(done))


def test_the_audit_log_keeps_the_digest_and_the_chain_holds():
    call_of(call_id="c-1")
    services.record_audit("playback", call_id="c-1")
    seal()

    carry_on(start_erasure(call_ids=["c-1"], reason="They asked", by="ana").pk)
    seal()

    look = AuditEntry.objects.get(action="playback")
    assert (look.call_id, len(look.call_digest)) == ("", 64)
    assert not AuditEntry.objects.filter(call_id="c-1").exists()
    assert check().problems == []


POINTS = {
    "between two packets of the same call": ("calls.erasure.services._count", 1),
    "before the rows of a call are gone": ("calls.erasure.services.remove_call", 0),
    "before its files are removed": ("calls.analysis.recording.files.remove_files", 0),
    "after its files are removed": ("calls.erasure.services._save", 1),
    "before the traces are removed": ("calls.erasure.services.Traces.remove", 0),
    "before the ledger is written": ("calls.erasure.ledger.append", 0),
    "after the ledger is written": ("calls.erasure.services._audit", 0),
}


def _kill(killed, target, after):
    """Kill the process at a call of a function, after so many calls."""
    real, left = resolve_name(target), [after]

    def call(*args, **kwargs):
        if not left[0]:
            raise Crash
        left[0] -= 1
        return real(*args, **kwargs)

    killed.setattr(target, call)


@pytest.mark.parametrize(("target", "after"), POINTS.values(), ids=POINTS)
def test_an_erasure_may_be_killed_at_any_point(target, after, monkeypatch):
    monkeypatch.setattr(services, "BATCH", 2)
    call = call_of(call_id="c-1")
    names = with_files(call)
    erasure = start_erasure(call_ids=["c-1"], numbers=[NUMBER], reason="They asked")
    with monkeypatch.context() as killed:
        _kill(killed, target, after)
        with pytest.raises(Crash):
            carry_on(erasure.pk)

    assert Erasure.objects.get().finished_at is None
    assert resume_erasures() == 1

    assert Call.objects.count() == 0
    assert not any(default_storage.exists(name) for name in names)
    assert ErasureItem.objects.count() == 0
    assert len(lines()) == 1
    assert lines()[0]["counts"] == {"calls": 1, "packets": 4, "files": 2}


def _restore(call_id, number):
    """Bring a call back, as a restore of an old backup does, and forget what was erased since."""
    Erasure.objects.all().delete()
    return call_of(number, call_id, opened_at=timezone.now() - timedelta(days=9))


def test_after_a_restore_erased_data_is_erased_again(capsys):
    for call_id in ("by-id", "by-number"):
        Call.objects.filter(pk=call_of("1", call_id).pk).update(
            opened_at=timezone.now() - timedelta(days=9)
        )
    Call.objects.filter(call_id="by-number").update(caller=NUMBER)
    carry_on(start_erasure(call_ids=["by-id"], reason="Case 1").pk)
    carry_on(start_erasure(numbers=[NUMBER], reason="Case 2").pk)
    assert not is_restored()

    _restore("by-id", "1")
    _restore("by-number", NUMBER)
    kept = call_of("2", "kept", opened_at=timezone.now() - timedelta(days=9))
    assert is_restored()
    with pytest.raises(CommandError, match="restored"):
        call_command("erase", "--check")
    call_command("erase", "--again")

    assert "2 calls" in capsys.readouterr().out
    assert Call.objects.get() == kept
    call_command("erase", "--check")
    assert len(lines()) == 2


def test_a_customer_who_calls_after_the_erasure_is_not_erased_again():
    call_of(call_id="c-1")
    carry_on(start_erasure(numbers=[NUMBER], call_ids=["c-1"], reason="Case 1").pk)
    later = call_of(call_id="c-1", opened_at=timezone.now() + timedelta(hours=1))

    call_command("erase", "--again")
    call_command("erase", "--again")

    assert Call.objects.get() == later


def test_a_truncated_line_is_ignored_and_the_next_one_is_complete():
    carry_on(start_erasure(call_ids=["a"], reason="Case 1").pk)
    with Path(services.ledger.settings.ERASURE_LEDGER).open("a") as file:
        file.write('{"id": "torn')
    carry_on(start_erasure(call_ids=["b"], reason="Case 2").pk)

    assert [line["reason"] for line in services.ledger.read()] == ["Case 1", "Case 2"]


@pytest.mark.parametrize("cut", [1, 2, 3, 4])
def test_a_cut_within_a_character_does_not_lose_other_lines(cut):
    carry_on(start_erasure(call_ids=["a"], reason="Case 1").pk)
    with Path(services.ledger.settings.ERASURE_LEDGER).open("ab") as file:
        file.write('{"id": "ä€𝄞'.encode()[:-cut])
    carry_on(start_erasure(call_ids=["b"], reason="Case 2").pk)

    assert [line["reason"] for line in services.ledger.read()] == ["Case 1", "Case 2"]


@pytest.mark.parametrize("end", ["\u2028", "\x85", "\x0c", "\x1e", "\r"])
def test_a_reason_with_line_separators_stays_one_line_of_the_ledger(end):
    erasure = save_erasure(["a"], numbers=[], reason=f"Case{end}1", by="")
    carry_on(erasure.pk)

    assert [line["reason"] for line in services.ledger.read()] == [f"Case{end}1"]


def test_a_full_disk_keeps_the_erasure_unfinished_until_its_line_is_whole(monkeypatch, capsys):
    """A disk that is almost full takes the beginning of a line."""
    carry_on(start_erasure(call_ids=["a"], reason="Case 1").pk)
    call_of(call_id="b")

    def write_half(file, data):
        file.write(data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr("calls.erasure.ledger._write_all", write_half)
        with pytest.raises(CommandError, match="the ledger cannot be written"):
            call_command("erase", "--call-id", "b", "--reason", "Case 2")
        assert [line["reason"] for line in services.ledger.read()] == ["Case 1"]

    assert resume_erasures() == 1
    assert [line["reason"] for line in services.ledger.read()] == ["Case 1", "Case 2"]


def test_a_write_that_takes_only_a_part_is_continued():
    class Slow:
        data = b""

        def write(self, data):
            self.data += data[:3]
            return len(data[:3])

    slow = Slow()
    services.ledger._write_all(slow, b"a whole line\n")

    assert slow.data == b"a whole line\n"


def test_after_a_restore_the_warning_ends_when_the_worker_ends_the_erasure():
    carry_on(start_erasure(call_ids=["c-1"], reason="Case 1").pk)
    _restore("c-1", "1")
    Call.objects.update(state="IN_PROGRESS")

    with pytest.raises(CommandError, match="Not finished"):
        call_command("erase", "--again")
    assert is_restored()
    Call.objects.update(state="ARCHIVED")
    resume_erasures()

    assert not Call.objects.exists()
    assert not is_restored()


def test_readers_of_the_feed_are_told_and_the_id_is_gone_an_hour_later():
    call_of(call_id="c-1")
    carry_on(start_erasure(call_ids=["c-1"], reason="Case 1").pk)
    told = CallEvent.objects.filter(type="call_deleted")
    assert told.get().data["deleted"] == "c-1"

    resume_erasures()
    assert told.exists()
    told.update(at=timezone.now() - timedelta(hours=2))
    resume_erasures()
    assert not told.exists()


def test_a_file_that_cannot_be_removed_keeps_the_erasure_unfinished(monkeypatch):
    names = with_files(call_of(call_id="c-1"))
    erasure = start_erasure(call_ids=["c-1"], reason="Case 1")
    with monkeypatch.context() as broken:
        broken.setattr("calls.analysis.recording.files.remove_files", lambda names: 0)
        assert carry_on(erasure.pk).finished_at is None

    assert carry_on(erasure.pk).finished_at is not None
    assert not any(default_storage.exists(name) for name in names)
