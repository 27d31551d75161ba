"""Tags, notes, swapped speakers and the choice of a stage, on the pages."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from calls.annotations import add_note, add_tag
from calls.lifecycle import CallState
from calls.models import Call, CallEvent, Note, Stage
from calls.tests.factories import failed_call, live_call
from supervisor.selection import Filter
from supervisor.tests.factories import analysed_call, page_of, shown, text_of

pytestmark = pytest.mark.django_db

BOARD = reverse("supervisor:board")


def send(client, view, call, *numbers, **fields):
    address = reverse(f"supervisor:{view}", args=[call.call_id, *numbers])
    return client.post(address, fields, follow=True)


def test_a_tag_is_added_and_removed_by_an_operator(operator):
    call = live_call()

    page = send(operator, "tag", call, name="  Late FEE ")

    assert "Remove tag late fee" in page.content.decode()
    assert call.tags.get().added_by == "ana"
    assert "Tagged late fee by ana" in text_of(page)
    page = send(operator, "untag", call, name="late fee")
    assert not call.tags.exists()
    assert "Tag late fee removed by ana" in text_of(page)


def test_an_invalid_tag_or_note_is_refused_with_the_rule(operator):
    call = live_call()

    tag, note = send(operator, "tag", call, name="a,b"), send(operator, "note", call, text=" ")

    assert "Nothing was changed: A tag is 1 to 50 characters" in text_of(tag)
    assert "Nothing was changed: A note has 1 to 4,000 characters" in text_of(note)


def test_a_note_is_shown_without_personal_data_and_deleted_by_its_author(operator):
    call = live_call()

    page = send(operator, "note", call, text="Pays by card 4111 1111 1111 1111.\nSoon.")

    assert "Pays by card" in text_of(page)
    assert not re.search(r"\b4111\b", page.content.decode())  # a nonce may hold these digits
    assert "Note added by ana" in text_of(page)
    page = send(operator, "unnote", call, Note.objects.get().pk)
    assert not Note.objects.exists()
    assert "Note by ana deleted by ana" in text_of(page)


def test_a_note_of_another_user_has_no_delete_button_and_stays(operator):
    call = live_call()
    note = add_note(call_id=call.call_id, text="Mine.", by="bob")

    page = send(operator, "unnote", call, note.pk)

    assert "Nothing was changed: bob wrote this note." in text_of(page)
    assert "Delete permanently" not in text_of(page)
    user = User.objects.get()
    user.user_permissions.add(Permission.objects.get(codename="delete_note"))
    send(operator, "unnote", call, note.pk)
    assert not Note.objects.exists()


def test_a_viewer_sees_tags_and_notes_but_cannot_change_them(supervisor):
    call = live_call()
    add_tag(call_id=call.call_id, name="vip", by="bob")
    note = add_note(call_id=call.call_id, text="Be kind.", by="ana")

    page = page_of(supervisor, call)

    assert "vip" in text_of(page)
    assert "Be kind." in text_of(page)
    for word in ("Add note", "Remove tag", "Delete permanently", "Swap speakers"):
        assert word not in page.content.decode()
    answers = [
        send(supervisor, "tag", call, name="x"),
        send(supervisor, "untag", call, name="vip"),
        send(supervisor, "note", call, text="x"),
        send(supervisor, "unnote", call, note.pk),
        send(supervisor, "swap", call, swapped="1"),
    ]
    assert [answer.status_code for answer in answers] == [403] * 5
    assert (call.tags.count(), call.notes.count()) == (1, 1)


def test_forms_are_not_sent_by_get_and_not_to_unknown_calls(operator):
    call = live_call()

    assert operator.get(reverse("supervisor:tag", args=[call.call_id])).status_code == 405
    for name in ("tag", "untag", "note"):
        address = reverse(f"supervisor:{name}", args=["nowhere"])
        assert operator.post(address, {"name": "x", "text": "x"}).status_code == 404


def test_a_form_redirects_only_to_the_page_that_sent_it(operator):
    call = live_call()
    address = reverse("supervisor:tag", args=[call.call_id])
    own = reverse("supervisor:call", args=[call.call_id])

    back = operator.post(address, {"name": "x", "next": f"{own}?events=all"})
    away = operator.post(address, {"name": "x", "next": "//evil.example"})

    assert (back["Location"], away["Location"]) == (f"{own}?events=all", own)


def test_tags_and_notes_are_escaped(operator):
    call = live_call()

    send(operator, "tag", call, name="<b>vip</b>")
    page = send(operator, "note", call, text="<script>alert(1)</script>")

    assert "<script>alert" not in page.content.decode()
    assert "<b>vip" not in page.content.decode()
    assert "<b>vip" not in operator.get(BOARD).content.decode()


def test_the_wallboard_shows_tags_and_filters_by_them(supervisor):
    calls = [live_call() for _ in range(3)]
    for name in ("late fee", "vip", "a1", "a2", "a3"):
        add_tag(call_id=calls[1].call_id, name=name)

    page = supervisor.get(BOARD, {"tag": "Late  Fee"})

    assert shown(page) == [calls[1].call_id]
    assert "a1 a2 +3" in text_of(page)
    assert 'name="tag" value="late fee"' in page.content.decode()
    assert shown(supervisor.get(BOARD, {"tag": "never"})) == []
    assert shown(supervisor.get(BOARD, {"tag": "a,b"})) == []
    rows = reverse("supervisor:rows")
    ids = [call.call_id for call in calls]
    assert shown_rows(supervisor.get(rows, {"id": ids, "tag": "vip"})) == [calls[1].call_id]


def shown_rows(response):
    return re.findall(r'data-call="([^"]+)"', response.content.decode())


def test_the_address_holds_a_tag_in_its_normal_form():
    wanted = Filter.from_query({"tag": " VIP ", "state": "FAILED"})

    assert (wanted.tag, wanted.narrows) == ("vip", True)
    assert wanted.address() == "?state=FAILED&tag=vip"


def test_tags_of_many_rows_take_one_query(supervisor):
    def queries():
        with CaptureQueriesContext(connection) as found:
            supervisor.get(BOARD)
        return len(found)

    add_tag(call_id=live_call().call_id, name="vip")
    queries()  # what is kept for a moment is there now
    few = queries()
    for number in range(10):
        add_tag(call_id=live_call().call_id, name=f"vip {number}")

    assert queries() == few


def test_swapping_speakers_twice_from_the_same_page_does_not_swap_back(operator):
    call = analysed_call()
    question = operator.get(reverse("supervisor:swap", args=[call.call_id]))
    assert "Swap agent and customer?" in text_of(question)
    assert '<input type="hidden" name="swapped" value="1">' in question.content.decode()

    for _ in range(2):
        page = send(operator, "swap", call, swapped="1")

    assert Call.objects.get().speakers_swapped is True
    assert CallEvent.objects.filter(type="speakers_swapped").count() == 1
    text = text_of(page)
    assert "Agent and customer have been swapped." in text
    assert "Speakers swapped by ana" in text
    assert "swapped manually" in text
    assert '<input type="hidden" name="swapped" value="0">' in page.content.decode()


@pytest.mark.parametrize("fields", [{}, {"swapped": "yes"}])
def test_a_swap_without_a_direction_is_refused(operator, fields):
    call = live_call()

    assert send(operator, "swap", call, **fields).status_code == 400


def test_reanalysis_starts_at_the_chosen_stage(operator):
    call = analysed_call()
    page = operator.get(reverse("supervisor:reanalyse", args=[call.call_id]))
    assert "Keep the transcript" in text_of(page)

    assert send(operator, "reanalyse", call, stage="nothing").status_code == 400
    send(operator, "reanalyse", call, stage="understand")

    changed = Call.objects.get()
    assert (changed.state, changed.first_stage) == (CallState.COMPLETED, Stage.UNDERSTAND)


@pytest.mark.parametrize(
    ("make", "offered", "not_offered"),
    [
        (live_call, ["End call", "Swap speakers"], ["Retry", "Reanalyse"]),
        (failed_call, ["Retry", "Swap speakers"], ["End call", "Reanalyse"]),
        (analysed_call, ["Reanalyse", "Swap speakers"], ["End call", "Retry"]),
    ],
)
def test_the_page_offers_the_actions_that_the_state_allows(operator, make, offered, not_offered):
    page = page_of(operator, make()).content.decode()

    assert all(f">{label}</a>" in page for label in offered)
    assert not any(f">{label}</a>" in page for label in not_offered)
