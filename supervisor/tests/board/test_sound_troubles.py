"""Trouble with the sound, and unknown sentiment, on the wallboard and the call page."""

from __future__ import annotations

import pytest

from calls.models import Call, Transcript
from calls.tests.factories import archived_call
from supervisor.call.sound_troubles import list_sound_troubles
from supervisor.tests.factories import shown, text_of

pytestmark = pytest.mark.django_db
WRONG = {"kind": "wrong_codec", "track": "customer", "declared": "l16le", "fits": "mulaw"}


def troubled_call(call_id="bad"):
    call = archived_call(call_id)
    Transcript.objects.filter(call=call).update(provenance={"troubles": [WRONG]})
    Call.objects.filter(pk=call.pk).update(sound_troubles="wrong_codec")
    return Call.objects.get(pk=call.pk)


def test_a_row_has_a_mark_and_the_filter_finds_it(supervisor):
    troubled_call()
    archived_call("good")

    board = supervisor.get("/supervisor/")
    found = [
        shown(supervisor.get(f"/supervisor/?trouble={kind}")) for kind in ("any", "wrong_codec")
    ]

    assert board.content.decode().count('title="Trouble with the sound: wrong codec"') == 1
    assert found == [["bad"], ["bad"]]
    assert shown(supervisor.get("/supervisor/?trouble=clipping")) == []
    assert len(shown(supervisor.get("/supervisor/?trouble=nonsense"))) == 2


def test_the_page_says_what_is_wrong_with_the_sound_and_links_to_the_remedy():
    call = troubled_call()
    document = {"provenance": {"transcribe": {"troubles": [WRONG]}}}

    (trouble,) = list_sound_troubles(call, document)

    assert (trouble.kind, trouble.label) == ("wrong_codec", "Wrong codec")
    assert "sounds like noise as 16-bit samples, low byte first" in trouble.sentence
    assert trouble.action == "Check the media type: sounds like mu-law"
    assert trouble.url == "/supervisor/calls/bad/decode/"
    assert list_sound_troubles(call, None) == []


def test_a_sentiment_that_is_not_known_says_so(supervisor):
    call = archived_call("arabic")
    Call.objects.filter(pk=call.pk).update(customer_sentiment="", unjudged_language="ar")

    board, search = (
        supervisor.get("/supervisor/"),
        supervisor.get("/supervisor/search/?state=ARCHIVED"),
    )

    assert 'title="Not known: this site judges English only (Arabic)"' in board.content.decode()
    assert "Customer not known" in text_of(search)
