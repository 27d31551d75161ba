"""Documents that no serializer writes match the types in the schema."""

from __future__ import annotations

import pytest
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator

from calls.analysis.pausing import pause_analysis
from calls.annotations import add_note
from calls.tests.analysis.live.utterances import next_revision, utter
from calls.tests.audio import archived_audio
from calls.tests.factories import archived_call, ended_call, live_call

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def components():
    return as_json_schema(SchemaGenerator().get_schema(request=None, public=True)["components"])


def as_json_schema(node):
    """OpenAPI 3.0 says `nullable` where JSON Schema has a type."""
    if isinstance(node, list):
        return [as_json_schema(each) for each in node]
    if not isinstance(node, dict):
        return node
    schema = {name: as_json_schema(value) for name, value in node.items() if name != "nullable"}
    return {"anyOf": [schema, {"type": "null"}]} if node.get("nullable") is True else schema


@pytest.fixture
def misfits(components):
    """What of a document is not as the schema says, in words."""

    def find(name, document):
        schema = {"$ref": f"#/components/schemas/{name}", "components": components}
        wrong = [error.message for error in Draft202012Validator(schema).iter_errors(document)]
        unknown = set(document) - set(components["schemas"][name]["properties"])
        return wrong + sorted(unknown)

    return find


def test_the_transcript_of_an_analysed_call_is_as_the_schema_says(api, misfits):
    call = archived_audio()
    add_note(call_id=call.call_id, text="Call back.", at_ms=500, by="ana")

    assert misfits("Transcript", api.get(f"/v1/call/{call.call_id}/transcript").json()) == []


def test_a_transcript_without_sentiment_is_as_the_schema_says(api, misfits):
    call = archived_call("c-1")
    call.analyses.all().delete()

    assert misfits("Transcript", api.get("/v1/call/c-1/transcript").json()) == []


def test_the_live_words_of_a_call_are_as_the_schema_says(api, misfits):
    call = live_call("c-1")
    utter(call, "They charged me twice.", speaker="customer", sentiment="NEGATIVE", score=-0.5)
    next_revision(call, heard_until_ms=900, skipped=[[1000, 2000]])

    assert misfits("Transcript", api.get("/v1/call/c-1/transcript").json()) == []


def test_the_status_of_a_paused_analysis_is_as_the_schema_says(api, misfits):
    ended_call()
    pause_analysis(by="ann", reason="The bill is too high.")

    assert misfits("AnalysisStatus", api.get("/v1/analysis").json()) == []


def test_the_plan_of_an_erasure_is_as_the_schema_says(api, misfits):
    archived_call("c-1")

    body = {"call_ids": ["c-1"], "reason": "Request 17", "dry_run": True}
    assert misfits("PlannedErasure", api.post("/v1/erasures", body).json()) == []


def test_a_partly_accepted_batch_is_as_the_schema_says(api, misfits):
    answer = api.post("/v1/call/stream/c-1/batch", [{"sequence": 1}, packet(2)])

    assert answer.status_code == 207
    assert misfits("PartiallyAccepted", answer.json()) == []


def packet(sequence):
    return {"sequence": sequence, "data": "Hello.", "timestamp": 0.4}


@pytest.mark.parametrize("state", ["live", "over"])
def test_the_end_of_a_call_is_as_the_schema_says(api, misfits, state):
    live_call("c-1") if state == "live" else ended_call("c-1")

    assert misfits("Ended", api.post("/v1/call/c-1/end").json()) == []


def test_an_action_that_the_state_does_not_allow_is_as_the_schema_says(api, misfits):
    live_call("c-1")

    answer = api.post("/v1/call/c-1/retry")

    assert answer.status_code == 409
    assert misfits("Conflict", answer.json()) == []
