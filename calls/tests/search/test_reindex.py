"""Missing index entries are added by the sweep and the command, never over newer ones."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command

from calls.models import Call, SearchEntry, Watch
from calls.search import backlog
from calls.search.find import Search
from calls.search.query import parse
from calls.tasks import sweep
from calls.tests.factories import archived_call, live_call

pytestmark = pytest.mark.django_db


def found(query: str = "hello") -> list[str]:
    calls = Search(Call.objects.all(), parse(query)).matching
    return sorted(call.call_id for call in calls)


@pytest.fixture
def forgotten():
    """Three archived calls from before the search existed."""
    for name in "abc":
        archived_call(name)
    SearchEntry.objects.all().delete()
    return ["a", "b", "c"]


def test_the_sweep_finds_calls_from_before_there_was_search(forgotten):
    assert found() == []

    sweep()

    assert found() == forgotten


def test_a_sweep_without_time_continues_at_the_next_one(forgotten, monkeypatch):
    monkeypatch.setattr(backlog, "CALLS_AT_ONCE", 1)

    made = [backlog.catch_up(seconds=0) for _ in range(4)]

    assert made == [1, 1, 1, 0]
    assert found() == forgotten
    assert Watch.objects.get(name=backlog.WATCH).position == Call.objects.get(call_id="c").pk


def test_a_sweep_skips_existing_entries():
    archived_call()

    assert backlog.catch_up(seconds=5) == 0


def test_entries_of_older_rules_are_made_again():
    call = archived_call()
    SearchEntry.objects.update(edition=0, words="ahallo" if is_sqlite() else "'ahallo':1")

    assert [found("hallo"), found("hello")] == [[call.call_id], []]
    assert backlog.catch_up(seconds=5) == 1
    assert [found("hallo"), found("hello")] == [[], [call.call_id]]


def is_sqlite() -> bool:
    from django.db import connection

    return connection.vendor == "sqlite"


def test_the_newest_analysis_counts(forgotten):
    first = Call.objects.get(call_id="a")
    old = first.analyses.get()
    old.pk, old.version, old.summary = None, 2, "Something newer."
    old.save()

    backlog.catch_up(seconds=5)

    assert found("newer") == ["a"]
    assert SearchEntry.objects.get(call=first).version == 2


def test_notes_from_before_they_were_searched_are_found(forgotten):
    noted = live_call("d")
    for call in (noted, Call.objects.get(call_id="a")):
        call.notes.create(text="Promised a voucher.")

    assert backlog.catch_up(seconds=5) == 4
    assert found("voucher") == ["a", "d"]
    assert backlog.catch_up(seconds=5) == 0
    assert [step.written for step in backlog.steps()] == [0]


def test_the_command_writes_missing_entries(forgotten):
    out = StringIO()

    call_command("reindex", stdout=out)
    call_command("reindex", stdout=out)

    assert out.getvalue().split("\n")[:2] == ["3 entries made.", "0 entries made."]
    assert found() == forgotten


def test_the_command_rewrites_all_entries_on_request(forgotten):
    out = StringIO()
    backlog.catch_up(seconds=5)
    second = Call.objects.get(call_id="b").pk

    call_command("reindex", "--all", stdout=out)
    call_command("reindex", "--all", "--after", str(second), stdout=out)

    assert out.getvalue().split("\n")[:2] == ["3 entries made.", "1 entries made."]
