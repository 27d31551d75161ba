"""The search index: what is written, replaced and deleted with analyses and notes."""

from __future__ import annotations

import pytest
from django.db import connection, transaction

from calls import annotations
from calls.analysis.leases import LeaseLost
from calls.analysis.speakers import swap_speakers
from calls.lifecycle import CallState
from calls.models import Call, Note, SearchEntry, Stage
from calls.retention.old_calls import prune
from calls.search.index import (
    EDITION,
    MAX_PLACES,
    MAX_PLACES_OF_WORD,
)
from calls.services import end_call, reanalyse_call
from calls.tests import one_call
from calls.tests.factories import ANALYSIS, TRANSCRIPT, archived_call, attempt, claim, live_call
from calls.tests.search.indexed import analysis_of, ask, index, turn

pytestmark = pytest.mark.django_db


def test_an_entry_is_written_with_the_analysis():
    call = archived_call()

    entry = SearchEntry.objects.get()

    assert (entry.call, entry.version, entry.edition) == (call, 1, EDITION)
    assert ask("agent:hello") == [call.call_id]
    assert ask('summary:"a call"') == [call.call_id]


def test_a_refused_finding_changes_no_entry():
    call = archived_call()
    reanalyse_call(call_id=call.call_id, by="ann")
    lease = claim()
    transcript = one_call.save_transcript(lease, attempt(lease), **TRANSCRIPT)
    tried = attempt(lease, Stage.UNDERSTAND)
    Call.objects.update(lease_owner="other", lease_token=99)
    said = {**ANALYSIS, "turns": [turn("agent", "Goodbye.")]}

    with pytest.raises(LeaseLost):
        one_call.archive(lease, tried, transcript=transcript, headline={}, **said)

    assert ask("hello") == [call.call_id]
    assert ask("goodbye") == []


def test_a_new_analysis_replaces_the_words_of_the_old_one():
    call = archived_call()
    reanalyse_call(call_id=call.call_id, by="ann")
    lease = claim()
    transcript = one_call.save_transcript(lease, attempt(lease), **TRANSCRIPT)
    said = {**ANALYSIS, "turns": [turn("agent", "Goodbye.")]}
    tried = attempt(lease, Stage.UNDERSTAND)
    one_call.archive(lease, tried, transcript=transcript, headline={}, **said)

    assert ask("hello") == []
    assert ask("goodbye") == [call.call_id]
    assert SearchEntry.objects.get().version == 2


def test_a_note_is_found_with_what_was_said_until_it_is_deleted():
    call = archived_call()
    note = annotations.add_note(call_id=call.call_id, text="Promised a voucher.", by="ann")
    annotations.add_note(call_id=call.call_id, text="Sent it.", by="bob")

    assert ask("agent:hello note:voucher") == [call.call_id]
    assert ask("note:hello OR agent:voucher") == []
    assert ask('"voucher sent"') == []  # two notes
    assert ask("hello -voucher") == []

    annotations.delete_note(call_id=call.call_id, note_id=note.pk, by="ann")

    assert ask("voucher") == []
    assert ask("hello sent") == [call.call_id]


def test_a_note_on_an_unanalysed_call_is_found_and_stays_after_the_analysis():
    call = live_call()
    note = annotations.add_note(call_id=call.call_id, text="Promised a voucher.", by="ann")
    assert ask("voucher") == [call.call_id]

    end_call(call_id=call.call_id)
    lease = claim()
    transcript = one_call.save_transcript(lease, attempt(lease), **TRANSCRIPT)
    tried = attempt(lease, Stage.UNDERSTAND)
    one_call.archive(lease, tried, transcript=transcript, headline={}, **ANALYSIS)

    assert ask("agent:hello note:voucher") == [call.call_id]
    annotations.delete_note(call_id=call.call_id, note_id=note.pk, by="ann")
    assert ask("voucher") == []


def test_a_call_whose_only_note_is_deleted_has_no_entry():
    call = live_call()
    note = annotations.add_note(call_id=call.call_id, text="Promised a voucher.", by="ann")

    annotations.delete_note(call_id=call.call_id, note_id=note.pk, by="ann")

    assert not SearchEntry.objects.exists()


def test_a_note_is_indexed_without_its_personal_data():
    call = live_call()
    annotations.add_note(call_id=call.call_id, text="Mail jane.doe@example.com a voucher.")

    assert ask("note:voucher") == [call.call_id]
    assert ask("jane OR doe OR example") == []


def test_a_note_that_is_not_stored_is_not_found():
    call = archived_call()

    with transaction.atomic():
        annotations.add_note(call_id=call.call_id, text="Promised a voucher.", by="ann")
        transaction.set_rollback(True)

    assert ask("voucher") == []
    assert ask("hello") == [call.call_id]


def test_swapping_the_speakers_keeps_the_notes():
    call = archived_call()
    annotations.add_note(call_id=call.call_id, text="Promised a voucher.", by="ann")

    swap_speakers(call_id=call.call_id, swapped=True, by="ann")

    assert ask("customer:hello voucher") == [call.call_id]


def test_calls_with_the_maximum_of_notes_are_found(call_in):
    call = call_in(CallState.ARCHIVED, "odd")
    odd = "\u042f\u10d0" * 20
    said = analysis_of(call, *[("agent", f"{odd} {n} word{n}") for n in range(MAX_PLACES)])
    call.notes.bulk_create(
        Note(call=call, text=" ".join(f"{odd}{n}x{m}" for m in range(90))) for n in range(200)
    )
    index(said)

    assert ask(f"note:{odd}1x1 word1") == ["odd"]


def test_a_deleted_call_is_no_longer_found():
    call = archived_call("gone")
    stays = archived_call("stays")

    call.delete()

    assert ask("hello") == [stays.call_id]
    assert SearchEntry.objects.count() == 1


def test_retention_deletes_the_words_as_well(settings):
    from datetime import timedelta

    archived_call()

    pruned = prune(calls_older_than=timedelta(0))

    assert pruned.calls == 1
    assert ask("hello") == []
    assert not SearchEntry.objects.exists()


@pytest.mark.skipif(connection.vendor != "sqlite", reason="looks into FTS5")
def test_sqlite_finds_its_index_consistent(archive):
    index(analysis_of(archive[0], ("agent", "new")))
    archive[1].delete()

    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO calls_fulltext (calls_fulltext, rank) VALUES ('integrity-check', 1)"
        )

    assert ask("new") == ["refund"]


def test_a_huge_call_is_indexed_up_to_the_limit_of_positions(call_in):
    call = call_in(CallState.ARCHIVED, "long")
    often = "so " * MAX_PLACES_OF_WORD + "very so last. "
    many = " ".join(f"word{n}" for n in range(MAX_PLACES))
    index(analysis_of(call, ("agent", often), ("agent", many), ("agent", "the end [CARD] of it")))

    assert ask('"so very"') == ["long"]
    assert ask('"very so"') == []  # the 256th "so"
    assert ask("agent:last") == ["long"]
    assert ask('"word1 word2"') == ["long"]
    assert ask("end it") == ["long"]  # beyond the places, but words all the same
    assert ask('"the end"') == []
    assert ask(f"word{MAX_PLACES - 1}") == ["long"]


def test_a_call_of_a_million_odd_words_breaks_nothing(call_in):
    call = call_in(CallState.ARCHIVED, "odd")
    odd = "\u042f\u10d0" * 20
    words = " ".join(f"{odd}{n}" for n in range(30_000))
    index(analysis_of(call, ("customer", words), ("agent", "hello")))

    assert ask(f"{odd}1") == ["odd"]
