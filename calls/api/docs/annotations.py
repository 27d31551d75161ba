"""Descriptions of the routes of tags, notes and swapped speakers. No behaviour."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from calls.annotations import NOTES_LIMIT, TAG_RULE, TAGS_LIMIT
from calls.api.docs.answers import (
    CALL_ID,
    FORBIDDEN,
    READ_ERRORS,
    UNKNOWN,
    WRITE_ERRORS,
    answer,
    error,
    text,
)
from calls.api.serializers.annotations import (
    NewNoteSerializer,
    NewTagSerializer,
    NoteSerializer,
    SpeakersSerializer,
    TagSerializer,
)

_TAG = {"name": "refund", "added_at": "2026-01-31T12:00:00Z", "added_by": "ann"}
_NOTE = {
    "id": 7,
    "text": "Call back on Monday, card [CARD].",
    "at_ms": 83400,
    "written_at": "2026-01-31T12:00:00Z",
    "author": "ann",
}
_ADD = {**WRITE_ERRORS, 404: UNKNOWN}
_NOT_YOURS = error("Somebody else wrote it.", {"detail": "ann wrote this note."})

tag_list = extend_schema(
    operation_id="list_tags",
    summary="The tags of a call",
    tags=["annotate"],
    parameters=[CALL_ID],
    responses={200: answer("Tags", results=TagSerializer(many=True)), **READ_ERRORS},
)
tag_add = extend_schema(
    operation_id="add_tag",
    summary="Add a tag to a call",
    description=(
        f"A tag is {TAG_RULE}; it is stored in lower case with single spaces. A call has at most "
        f"{TAGS_LIMIT} tags. Returns 201 if the tag is new, 200 if the call already has it. "
        "Text that looks like personal data is refused. `GET /v1/call?tag=refund` finds the calls."
    ),
    tags=["annotate"],
    parameters=[CALL_ID],
    request=NewTagSerializer,
    examples=[
        OpenApiExample("A tag", value={"name": "Refund"}, request_only=True),
        OpenApiExample("As it is stored", value=_TAG, response_only=True),
    ],
    responses={201: TagSerializer, 200: TagSerializer, **_ADD},
)
tag_remove = extend_schema(
    operation_id="remove_tag",
    summary="Remove a tag from a call",
    tags=["annotate"],
    parameters=[CALL_ID, OpenApiParameter("name", str, OpenApiParameter.PATH)],
    request=None,
    responses={204: OpenApiResponse(description="The tag was removed."), **READ_ERRORS},
)
note_list = extend_schema(
    operation_id="list_notes",
    summary="The notes of a call, oldest first",
    tags=["annotate"],
    parameters=[CALL_ID],
    responses={200: answer("Notes", results=NoteSerializer(many=True)), **READ_ERRORS},
)
note_add = extend_schema(
    operation_id="add_note",
    summary="Write a note about a call",
    description=(
        "Card numbers and other personal data are masked before the note is stored. The response "
        "shows the stored text. With `at_ms`, the note is about that moment of the call, and its "
        f"page shows it there. A call has at most {NOTES_LIMIT} notes."
    ),
    tags=["annotate"],
    parameters=[CALL_ID],
    request=NewNoteSerializer,
    examples=[
        OpenApiExample(
            "A note",
            value={"text": "Call back on Monday, card 4111 1111 1111 1111.", "at_ms": 83400},
            request_only=True,
        ),
        OpenApiExample("As it is stored", value=_NOTE, response_only=True),
    ],
    responses={201: NoteSerializer, **_ADD},
)
note_delete = extend_schema(
    operation_id="delete_note",
    summary="Delete your own note",
    description="Users with the permission *Can delete note* can delete any note.",
    tags=["annotate"],
    parameters=[CALL_ID, OpenApiParameter("note_id", OpenApiTypes.INT64, OpenApiParameter.PATH)],
    request=None,
    responses={
        204: OpenApiResponse(description="The note was deleted. The event log says by whom."),
        **READ_ERRORS,
        403: _NOT_YOURS,
    },
)
speakers = extend_schema(
    operation_id="swap_speakers",
    summary="Swap agent and customer",
    description=(
        "Use this if agent and customer are the wrong way round. Transcript, sentiment, metrics "
        "and recording change at once. An analysed call is then analysed again from its "
        "transcript. A live or waiting call is analysed with the sides swapped. An analysis that "
        "is running starts again, without using up an attempt. A repeated request changes "
        "nothing; `false` undoes the swap."
    ),
    tags=["supervise"],
    parameters=[CALL_ID],
    request=SpeakersSerializer,
    examples=[OpenApiExample("Swap", value={"swapped": True}, request_only=True)],
    responses={
        200: answer("Swapped", call_id=text(), swapped=serializers.BooleanField(), state=text()),
        **_ADD,
        403: FORBIDDEN,
    },
)
