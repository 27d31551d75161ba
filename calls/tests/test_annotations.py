"""Tags and notes: what is accepted, refused and logged, and two people at once."""

from __future__ import annotations

import json
import threading
from contextlib import suppress

import pytest
from django.db import connection

from calls import annotations
from calls.annotations import AnnotationRefused, NotThere, NotYours
from calls.models import NOTE_LENGTH, CallEvent, Note, Tag
from calls.services import CallNotFound

pytestmark = pytest.mark.django_db


def tag(name, call_id="c-1", by="ann"):
    return annotations.add_tag(call_id=call_id, name=name, by=by)


def names(call):
    return list(call.tags.values_list("name", flat=True))


def logged():
    return list(CallEvent.objects.values_list("type", "data"))


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Refund", "refund"),
        ("  Call   back\tsoon ", "call back soon"),
        ("ÄRGER", "ärger"),
        ("e\u0301te\u0301", "été"),
        ("follow-up #2 / VIP's", "follow-up #2 / vip's"),
        ("退款", "退款"),
        ("x" * 50, "x" * 50),
    ],
)
def test_a_tag_has_one_spelling(call_in, written, kept):
    call = call_in()

    tag(written)

    assert names(call) == [kept]


@pytest.mark.parametrize(
    "written", ["", "   ", "x" * 51, "a,b", "a\0b", "a\u202eb", "!!!", "\u200b"]
)
def test_an_invalid_tag_is_refused_with_the_rule(call_in, written):
    call_in()

    with pytest.raises(AnnotationRefused, match="1 to 50 characters"):
        tag(written)

    assert not Tag.objects.exists()


@pytest.mark.parametrize("written", ["4111 1111 1111 1111", "ann@example.com", "mobile 2026-114"])
def test_personal_data_is_refused_as_a_tag(call_in, written):
    call_in()

    with pytest.raises(AnnotationRefused, match="personal data"):
        tag(written)


def test_an_invoice_number_is_accepted_as_a_tag(call_in):
    call = call_in()

    tag("Invoice 2026-114")

    assert names(call) == ["invoice 2026-114"]


def test_a_tag_is_added_once_and_the_log_says_by_whom(call_in):
    call = call_in()

    results = [tag("Refund")[1], tag("refund ", by="bob")[1]]

    assert results == [True, False]
    assert (names(call), call.tags.get().added_by) == (["refund"], "ann")
    assert logged() == [("tag_added", {"tag": "refund", "by": "ann"})]


def test_a_call_has_at_most_twenty_tags_and_may_be_given_one_it_has(call_in):
    call_in()
    for number in range(20):
        tag(f"tag {number}")

    with pytest.raises(AnnotationRefused, match="20 tags"):
        tag("one more")

    assert tag("tag 3")[1] is False


def test_a_tag_is_removed_in_any_spelling_and_only_once(call_in):
    call = call_in()
    tag("refund")

    annotations.remove_tag(call_id="c-1", name="REFUND", by="bob")

    assert names(call) == []
    assert logged()[-1] == ("tag_removed", {"tag": "refund", "by": "bob"})
    with pytest.raises(NotThere, match="no tag 'refund'"):
        annotations.remove_tag(call_id="c-1", name="refund")


def test_recent_tags_are_suggested_in_alphabetical_order(call_in):
    call_in()
    call_in(call_id="c-2")
    for name, call_id in [("vip", "c-1"), ("refund", "c-1"), ("vip", "c-2")]:
        tag(name, call_id)

    assert annotations.known_tags() == ["refund", "vip"]
    assert annotations.known_tags(limit=1) == ["vip"]


def test_an_unknown_call_is_named():
    with pytest.raises(CallNotFound, match="nowhere"):
        tag("vip", "nowhere")
    with pytest.raises(CallNotFound):
        annotations.add_note(call_id="nowhere", text="Hello.")


def test_a_note_is_stored_without_personal_data_and_the_log_has_no_text(call_in):
    call_in()

    note = annotations.add_note(
        call_id="c-1", text=" Wants to pay.\r\nCard 4111 1111 1111 1111\n\nby Monday \0", by="ann"
    )

    stored = Note.objects.get(pk=note.pk)
    assert stored.text == "Wants to pay.\nCard [CARD]\n\nby Monday"
    assert stored.author == "ann"
    assert logged() == [("note_added", {"note": note.pk, "by": "ann"})]


@pytest.mark.parametrize("text", ["", " \n ", "x" * (NOTE_LENGTH + 1)])
def test_a_note_has_a_maximum_length(call_in, text):
    call_in()

    with pytest.raises(AnnotationRefused, match="1 to 4,000 characters"):
        annotations.add_note(call_id="c-1", text=text)


def test_a_note_may_be_about_a_moment_of_the_call(call_in):
    call_in()

    about = [
        annotations.add_note(call_id="c-1", text="x", at_ms=at_ms).at_ms
        for at_ms in (None, 0, 83_400, 604_800_000)
    ]

    assert about == [None, 0, 83_400, 604_800_000]


@pytest.mark.parametrize("at_ms", [-1, 604_800_001, 10**30])
def test_a_moment_outside_of_any_call_is_refused_with_the_limits(call_in, at_ms):
    call_in()

    with pytest.raises(AnnotationRefused, match="from 0 to 604,800,000 ms") as refused:
        annotations.add_note(call_id="c-1", text="x", at_ms=at_ms)

    assert refused.value.field == "at_ms"
    assert not Note.objects.exists()


def test_a_call_has_at_most_two_hundred_notes(call_in):
    call = call_in()
    Note.objects.bulk_create(Note(call=call, text="x") for _ in range(200))

    with pytest.raises(AnnotationRefused, match="200 notes"):
        annotations.add_note(call_id="c-1", text="one more")


def test_a_deleted_note_leaves_who_deleted_it_and_not_its_text(call_in):
    call_in()
    note = annotations.add_note(call_id="c-1", text="Sesame.", by="ann")

    annotations.delete_note(call_id="c-1", note_id=note.pk, by="ann")

    assert not Note.objects.exists()
    assert logged()[-1] == ("note_deleted", {"note": note.pk, "author": "ann", "by": "ann"})
    assert "Sesame" not in json.dumps(logged())
    for number in (note.pk, 2**63, 10**30):
        with pytest.raises(NotThere):
            annotations.delete_note(call_id="c-1", note_id=number, by="ann")


def test_a_note_of_somebody_else_can_be_deleted_only_with_the_permission(call_in):
    call_in()
    note = annotations.add_note(call_id="c-1", text="Mine.", by="ann")

    with pytest.raises(NotYours, match="ann wrote"):
        annotations.delete_note(call_id="c-1", note_id=note.pk, by="bob")

    annotations.delete_note(call_id="c-1", note_id=note.pk, by="bob", of_others=True)
    assert not Note.objects.exists()


def test_a_note_is_found_in_its_own_call_only(call_in):
    call_in()
    call_in(call_id="c-2")
    note = annotations.add_note(call_id="c-1", text="Mine.", by="ann")

    with pytest.raises(NotThere):
        annotations.delete_note(call_id="c-2", note_id=note.pk, by="ann")


@pytest.mark.django_db(transaction=True)
def test_people_who_add_and_remove_the_same_tags_at_once_leave_a_log_that_adds_up(call_in):
    call = call_in()
    start, errors = threading.Barrier(8), []

    def work(number):
        try:
            start.wait(10)
            for turn in range(5):
                tag(f"tag {turn}", by=f"p{number}")
                with suppress(NotThere):
                    annotations.remove_tag(call_id="c-1", name=f"tag {turn}", by=f"p{number}")
                tag("kept", by=f"p{number}")
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert errors == []
    assert names(call) == ["kept"]
    for name in ("kept", *(f"tag {turn}" for turn in range(5))):
        found = [kind for kind, data in logged() if data["tag"] == name]
        expected = ["tag_added"] if name == "kept" else ["tag_added", "tag_removed"]
        assert found == expected * (len(found) // len(expected))


@pytest.mark.django_db(transaction=True)
def test_two_people_cannot_both_add_the_last_tag_that_fits(call_in):
    call = call_in()
    for number in range(19):
        tag(f"tag {number}")
    start, outcomes = threading.Barrier(2), []

    def work(name):
        start.wait(10)
        try:
            tag(name)
            outcomes.append("added")
        except AnnotationRefused:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=[name]) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert sorted(outcomes) == ["added", "refused"]
    assert call.tags.count() == 20
