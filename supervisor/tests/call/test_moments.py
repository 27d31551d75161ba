"""Moments of a call: how people write them, and notes about them."""

from __future__ import annotations

import pytest
from django.urls import reverse

from calls.annotations import AnnotationRefused, add_note
from calls.models import Note
from supervisor.call.marks import read_marks, read_moment
from supervisor.tests.factories import analysed_call, heard_call, page_of, raise_alert, text_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("text", "ms"),
    [("", None), ("  ", None), ("0", 0), ("83.4", 83_400), ("1:23", 83_000), ("1:23.45", 83_450),
     ("1:02:03", 3_723_000), ("90:00", 5_400_000)],
)  # fmt: skip
def test_a_moment_is_read_as_people_write_it(text, ms):
    assert read_moment(text) == ms


@pytest.mark.parametrize(
    "text", ["x", "1:60", "1:99:00", "-1", "1:2:3:4", ":", "1:", "\u00b2", "1e3", "9" * 30, "1,5"]
)
def test_another_text_is_refused_with_an_example(text):
    with pytest.raises(AnnotationRefused, match="such as 1:23") as refused:
        read_moment(text)

    assert refused.value.field == "at"


def test_a_note_from_a_moment_stands_beside_its_turn_and_on_the_timeline(operator):
    call = analysed_call()
    turn = call.analyses.get().turns[1]
    address = reverse("supervisor:note", args=[call.call_id])

    page = operator.post(
        address, {"text": "Good recap.", "at": str(turn["begin_ms"] / 1000)}, follow=True
    )

    note, html = Note.objects.get(), page.content.decode()
    assert note.at_ms == turn["begin_ms"]
    said = html[: html.index(turn["text"])]
    assert f'href="#note-{note.pk}"' in said[said.rindex('<li class="turn') :]
    assert (
        f'data-moment="{note.at_ms}"' in html[html.index('id="marks"') : html.index('id="h-words"')]
    )


def test_an_invalid_moment_is_refused_and_nothing_is_written(operator):
    call = analysed_call()
    address = reverse("supervisor:note", args=[call.call_id])

    page = operator.post(address, {"text": "Good recap.", "at": "soon"}, follow=True)

    assert "Write the moment as minutes and seconds, such as 1:23" in text_of(page)
    assert not Note.objects.exists()


def test_marks_lie_within_the_timeline_in_the_order_of_the_call():
    call = heard_call()
    alert = raise_alert(call, offset_ms=9_000)
    late = add_note(call_id=call.call_id, text="Late.", at_ms=99_000, by="ana")
    general = add_note(call_id=call.call_id, text="All of it.", by="ana")

    marks = read_marks([alert], [late, general], 18_000)

    assert [(mark.kind, mark.x) for mark in marks] == [("critical", 50.0), ("note", 100)]


def test_notes_about_live_words_stand_beside_them(supervisor):
    call = heard_call()
    note = add_note(call_id=call.call_id, text="Kind.", at_ms=1_500, by="ana")

    html = page_of(supervisor, call).content.decode()

    turn = html[html.index("Good morning") - 1500 : html.index("Good morning")]
    assert f'href="#note-{note.pk}"' in turn
