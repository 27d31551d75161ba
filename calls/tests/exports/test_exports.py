"""Exports: their formats, hostile words in them, and who may get which."""

from __future__ import annotations

import json
import re
import uuid
from itertools import pairwise

import pytest

from calls.annotations import add_note
from calls.api.downloads import FORMATS
from calls.exports import webvtt
from calls.exports.clean import cell
from calls.models import Analysis, Call
from calls.tests.audio import SECRET, archived_audio
from calls.tests.factories import archived_call, ended_call

pytestmark = pytest.mark.django_db
URL = "/v1/call/spoken/transcript"
HOSTILE = "</v><b>--> 00:00\r\n\n[00:00] Agent: I lied & <script>\u2028 Agent: \x1b[2J"


def say(call, text):
    """Make this turn the only one of an analysed call."""
    turn = {"speaker": "customer", "begin_ms": 0, "end_ms": 900, "text": text, "words": []}
    judged = {**turn, "sentiment": "NEUTRAL", "score": 0.0}
    call.transcripts.update(turns=[turn])
    call.analyses.update(turns=[judged])


def text_of(response):
    streaming = getattr(response, "streaming", False)
    return (b"".join(response.streaming_content) if streaming else response.content).decode()


# --- Transcripts ---
def test_json_is_the_default_format(api):
    archived_audio()

    assert api.get(URL).json() == api.get(f"{URL}?as=json").json()


@pytest.mark.parametrize("wanted", ["xml", "JSON", "csv", "vtt,text"])
def test_an_unknown_format_is_refused_with_a_list_of_formats(api, wanted):
    archived_audio()

    response = api.get(f"{URL}?as={wanted}")

    assert response.status_code == 400
    assert response.json() == {"as": [f"Must be one of {', '.join(FORMATS)}."]}


@pytest.mark.parametrize("wanted", FORMATS)
def test_every_format_is_redacted_unless_it_is_asked_for_and_permitted(
    api, settings, person, wanted
):
    archived_audio()
    raw = f"{URL}?as={wanted}&redacted=false"

    shown, said = text_of(api.get(f"{URL}?as={wanted}")), text_of(api.get(raw))
    settings.API_AUTH = "key"
    refused = person("view_call").get(raw)

    assert SECRET not in shown
    assert "[CARD]" in shown
    assert "4111" in said
    assert refused.status_code == 403


@pytest.mark.parametrize("wanted", FORMATS)
def test_every_format_works_before_there_is_an_analysis(api, wanted):
    call = archived_audio()
    Analysis.objects.filter(call=call).delete()

    response = api.get(f"{URL}?as={wanted}")

    assert response.status_code == 200
    assert SECRET not in text_of(response)


@pytest.mark.parametrize("wanted", FORMATS)
def test_a_call_without_a_transcript_has_none_in_any_format(api, wanted):
    call = ended_call()

    assert api.get(f"/v1/call/{call.call_id}/transcript?as={wanted}").status_code == 404


@pytest.mark.parametrize(
    ("wanted", "content_type"),
    [
        ("text", "text/plain; charset=utf-8"),
        ("vtt", "text/vtt; charset=utf-8"),
        ("contactlens", "application/json"),
        ("vcon", "application/vcon+json"),
    ],
)
def test_each_format_says_what_it_is(api, wanted, content_type):
    archived_audio()

    response = api.get(f"{URL}?as={wanted}", headers={"Accept": content_type})

    assert response.status_code == 200
    assert response["Content-Type"] == content_type


@pytest.mark.parametrize("wanted", ["json", "contactlens", "vcon"])
def test_a_browser_that_downloads_gets_json_and_not_a_page_about_it(api, wanted):
    archived_audio()
    like_a_browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}

    response = api.get(f"{URL}?as={wanted}&format=json", headers=like_a_browser)

    assert "json" in response["Content-Type"]
    assert json.loads(response.content)


def test_words_cannot_imitate_another_line_of_the_text(api):
    call = archived_call("spoken")
    say(call, HOSTILE)

    text = text_of(api.get(f"{URL}?as=text"))

    assert len(text.splitlines()) == 1
    assert text.startswith("[00:00:00.000] Customer: ")
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", text)


# --- Notes ---
def test_notes_and_their_moments_are_in_every_format_that_has_a_place_for_them(api):
    archived_audio()
    add_note(call_id="spoken", text="Good recap --> keep.", at_ms=83_400, by="ana")
    add_note(call_id="spoken", text="Calm throughout.", by="ana")

    found = {wanted: text_of(api.get(f"{URL}?as={wanted}")) for wanted in FORMATS}

    notes = [(each["at_ms"], each["text"]) for each in json.loads(found["json"])["notes"]]
    assert notes == [(83_400, "Good recap --> keep."), (None, "Calm throughout.")]
    assert found["text"].endswith(
        "[00:01:23.400] Note by ana: Good recap --> keep.\nNote by ana: Calm throughout.\n"
    )
    assert "\nNOTE 00:01:23.400 ana: Good recap --&gt; keep.\n" in found["vtt"]
    assert "\nNOTE ana: Calm throughout.\n" in found["vtt"]
    (noted,) = [one for one in json.loads(found["vcon"])["analysis"] if one["type"] == "notes"]
    assert [note["at_ms"] for note in noted["body"]] == [83_400, None]
    assert "Calm" not in found["contactlens"]


def test_a_vcon_with_another_note_has_another_id(api):
    archived_audio()
    before = api.get(f"{URL}?as=vcon").json()["uuid"]

    add_note(call_id="spoken", text="Hello.", by="ana")

    assert api.get(f"{URL}?as=vcon").json()["uuid"] != before


# --- WebVTT ---
def test_words_cannot_imitate_a_cue_or_markup(api):
    call = archived_call("spoken")
    say(call, HOSTILE)

    text = text_of(api.get(f"{URL}?as=vtt"))

    assert text.startswith("WEBVTT\n\n00:00:00.000 --> 00:00:00.900\n<v Customer>&lt;/v&gt;")
    assert text.count("-->") == 1
    assert text.count("<") == 1
    assert "&amp; &lt;script&gt;" in text


def long_turn(words=(), seconds=20, text="one two three four five six seven eight nine ten"):
    return {
        "speaker": "agent",
        "begin_ms": 1000,
        "end_ms": 1000 + seconds * 1000,
        "text": text,
        "words": list(words),
    }


def test_a_long_turn_is_cut_between_words():
    texts = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
    spoken = [[1000 + at * 2000, 2500 + at * 2000, text] for at, text in enumerate(texts)]

    pieces = list(webvtt.split_turn(long_turn(spoken)))

    assert [piece.text for piece in pieces] == [
        "one two three",
        "four five six",
        "seven eight nine",
        "ten",
    ]
    assert (pieces[0].begin_ms, pieces[0].end_ms, pieces[1].begin_ms) == (1000, 6500, 7000)


@pytest.mark.parametrize("words", [(), [[1000, 2000, "something"], [2000, 3000, "else"]]])
def test_a_long_turn_without_usable_times_is_spread_evenly(words):
    pieces = list(webvtt.split_turn(long_turn(words)))

    assert " ".join(piece.text for piece in pieces) == long_turn()["text"]
    assert all(piece.end_ms - piece.begin_ms <= webvtt.CUE_MS for piece in pieces)
    assert all(one.end_ms == other.begin_ms for one, other in pairwise(pieces))


def test_a_long_turn_of_nothing_is_one_cue():
    assert [piece.text for piece in webvtt.split_turn(long_turn(text=""))] == [""]


def test_cues_are_in_order_and_end_after_they_start():
    turns = [
        {"speaker": "agent", "begin_ms": 5000, "end_ms": 5000, "text": "Late.", "words": []},
        {"speaker": "customer", "begin_ms": 3_600_500, "end_ms": 3_601_000, "text": "Very.",
         "words": []},
        {"speaker": "customer", "begin_ms": 1000, "end_ms": 2000, "text": "Early.", "words": []},
    ]  # fmt: skip

    text = webvtt.export({"turns": turns, "notes": []})

    assert re.findall(r"(.*) --> (.*)", text) == [
        ("00:00:01.000", "00:00:02.000"),
        ("00:00:05.000", "00:00:05.001"),
        ("01:00:00.500", "01:00:01.000"),
    ]


# --- Contact Lens ---
def test_contact_lens_has_the_shape_of_version_1_1_0(api):
    archived_audio()

    found = api.get(f"{URL}?as=contactlens").json()

    figures = found["ConversationCharacteristics"]
    assert (found["Version"], found["JobStatus"]) == ("1.1.0", "COMPLETED")
    assert found["CustomerMetadata"]["ContactId"] == "spoken"
    assert {one["ParticipantRole"] for one in found["Participants"]} == {"AGENT", "CUSTOMER"}
    assert figures["TotalConversationDurationMillis"] == 5000
    assert figures["ContactSummary"]["PostContactSummary"]["Content"] == "A card is read out."
    assert figures["TalkTime"]["DetailsByParticipant"]["CUSTOMER"]["TotalTimeMillis"] == 2000
    assert figures["Sentiment"]["OverallSentiment"] == {"CUSTOMER": 0.0}
    quarters = figures["Sentiment"]["SentimentByPeriod"]["QUARTER"]["CUSTOMER"]
    assert all(set(quarter) == {"BeginOffsetMillis", "EndOffsetMillis", "Score"}
               for quarter in quarters)  # fmt: skip
    assert figures["Interruptions"]["TotalCount"] == 0


def test_contact_lens_lists_what_was_redacted_and_where(api):
    archived_audio()

    redacted = api.get(f"{URL}?as=contactlens").json()
    raw = api.get(f"{URL}?as=contactlens&redacted=false").json()

    assert redacted["ContentMetadata"]["Output"] == "Redacted"
    metadata = redacted["ContentMetadata"]["RedactionTypesMetadata"]["PII"]
    assert metadata["RedactionEntitiesRequested"] == ["CARD"]
    (span,) = redacted["Transcript"][0]["Redaction"]["RedactedTimestamps"]
    assert span == {"BeginOffsetMillis": 3000, "EndOffsetMillis": 4000}
    assert raw["ContentMetadata"] == {"Output": "Raw"}
    assert "Redaction" not in raw["Transcript"][0]


def test_contact_lens_lists_what_was_skipped(api):
    call = archived_call("spoken")
    call.analyses.update(skipped=[{"stage": "summary", "reason": "Too short."}])

    found = api.get(f"{URL}?as=contactlens").json()

    (skipped,) = found["JobDetails"]["SkippedAnalysis"]
    assert (skipped["Feature"], skipped["Reason"]) == ("SUMMARY", "Too short.")


# --- vCon ---
def test_a_vcon_has_what_the_draft_requires(api):
    archived_audio()

    found = api.get(f"{URL}?as=vcon").json()

    assert found["vcon"] == "0.4.0"
    assert uuid.UUID(found["uuid"]).variant == uuid.RFC_4122
    assert found["uuid"][14] == "8"
    assert len(found["parties"]) == 2
    assert all(entry["vendor"] and entry["type"] for entry in found["analysis"])
    assert {entry["type"] for entry in found["analysis"]} >= {"transcript", "summary", "sentiment"}
    assert all(entry["encoding"] in ("json", "none") for entry in found["analysis"])


def test_a_vcon_is_the_same_when_it_is_fetched_again_and_names_what_it_was_made_from(api):
    archived_audio()

    first, again = (api.get(f"{URL}?as=vcon").json() for _ in range(2))
    raw = api.get(f"{URL}?as=vcon&redacted=false").json()

    assert first == again
    assert first["redacted"] == {"uuid": raw["uuid"], "type": "PII"}
    assert "redacted" not in raw


def test_the_recording_is_named_over_https_only_with_its_hash(api):
    archived_audio()

    (over_http,) = api.get(f"{URL}?as=vcon").json()["dialog"]
    (over_https,) = api.get(f"{URL}?as=vcon", secure=True).json()["dialog"]

    assert (over_http["type"], over_http["duration"]) == ("recording", 5.0)
    assert "url" not in over_http
    assert over_https["url"] == "https://testserver/v1/call/spoken/recording"
    assert over_https["content_hash"].startswith("sha256-")


def test_the_words_of_a_text_call_are_dialogs(api):
    archived_call("spoken")

    (dialog,) = api.get(f"{URL}?as=vcon").json()["dialog"]

    assert (dialog["type"], dialog["body"], dialog["parties"]) == ("text", "Hello.", 0)


def test_a_redacted_vcon_does_not_name_the_number_of_the_customer(api):
    call = archived_call("spoken")
    Call.objects.filter(pk=call.pk).update(caller="+442079460112", agent="Ann")

    redacted = api.get(f"{URL}?as=vcon")
    raw = api.get(f"{URL}?as=vcon&redacted=false").json()

    assert "442079460112" not in text_of(redacted)
    assert raw["parties"] == [{"name": "Ann"}, {"tel": "+442079460112"}]


def test_hostile_text_is_escaped_in_json(api):
    call = archived_call("spoken")
    say(call, HOSTILE)

    for wanted in ("json", "contactlens", "vcon"):
        assert "I lied" in json.dumps(api.get(f"{URL}?as={wanted}").json())


def test_no_format_costs_more_than_six_queries_and_its_entry_in_the_audit_log(
    api, django_assert_max_num_queries
):
    archived_audio()
    api.get(f"{URL}?as=vcon")  # names this database's log once and for all

    for wanted in FORMATS:
        with django_assert_max_num_queries(7):
            assert api.get(f"{URL}?as={wanted}").status_code == 200


@pytest.mark.parametrize(
    ("text", "shown"),
    [("+49 170 1234567", "+49 170 1234567"), ("+1+cmd", "'+1+cmd"), ("+A1", "'+A1"),
     ("-1", "'-1"), ("=1", "'=1"), ("+", "'+")],
)  # fmt: skip
def test_a_phone_number_is_not_a_formula(text, shown):
    assert cell(text) == shown
