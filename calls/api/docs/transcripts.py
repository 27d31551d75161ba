"""Description of the route of transcripts. No behaviour."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
)

from calls.api.docs.answers import CALL_ID, READ_ERRORS
from calls.api.downloads import FORMATS
from calls.api.serializers.transcripts import TranscriptSerializer
from calls.api.waiting import MAX_WAIT_S

REDACTED = OpenApiParameter(
    "redacted", OpenApiTypes.BOOL, default=True, description="`false` needs a permission."
)
_LIVE_TRANSCRIPT = {
    "call_id": "4711",
    "state": "IN_PROGRESS",
    "live": True,
    "revision": 12,
    "heard_until_ms": 64200,
    "skipped": [[31000, 38500]],
    "turns": [
        {
            "speaker": "customer",
            "begin_ms": 60100,
            "end_ms": 63900,
            "text": "And they charged me twice.",
            "words": [],
            "sentiment": "NEGATIVE",
            "score": -0.8,
        }
    ],
    "redacted": True,
    "notes": [
        {
            "id": 7,
            "text": "Call back on Monday, card [CARD].",
            "at_ms": 83400,
            "written_at": "2026-01-31T12:00:00Z",
            "author": "ann",
        }
    ],
}
transcript = extend_schema(
    operation_id="get_transcript",
    summary="The transcript: who said what, with sentiment",
    description=(
        "Personal data is masked. With `redacted=false`, users with the permission get the "
        "original words.\n\n"
        "Until there is a transcript, the response has the words so far and `live: true`. "
        "Utterances that may still turn out to be personal data are left out, unless "
        "`redacted=false`. `heard_until_ms` says how far the call has been transcribed, and "
        "`skipped` which stretches `[begin_ms, end_ms]` were left out. 404 if nothing has been "
        "transcribed. The feed sends the changes after `revision`.\n\n"
        "With `wait`, the request is held until the call has been analysed, so that programs need "
        "not poll. The response comes at once if the call has already been analysed or has failed. "
        "Otherwise, after the wait, it is the same as without `wait`: the words so "
        "far, a transcript whose sentiment is still missing, or 404. 503 with `Retry-After` if too "
        "many requests are waiting.\n\n"
        "`notes` has the notes of the call; `at_ms` is the moment that a note is about.\n\n"
        "`as` selects another format: plain text, WebVTT subtitles, Amazon Contact Lens, or "
        "vCon. These need a transcript: 404 until then."
    ),
    tags=["results"],
    parameters=[
        CALL_ID,
        REDACTED,
        OpenApiParameter("as", str, enum=FORMATS, default="json"),
        OpenApiParameter(
            "wait",
            {"type": "integer", "minimum": 0, "maximum": MAX_WAIT_S},
            default=0,
            description="Seconds to wait for the analysis.",
        ),
    ],
    responses={
        (200, "application/json"): OpenApiResponse(
            TranscriptSerializer,
            examples=[OpenApiExample("Live", value=_LIVE_TRANSCRIPT)],
        ),
        (200, "text/plain"): OpenApiTypes.STR,
        (200, "text/vtt"): OpenApiTypes.STR,
        (200, "application/vcon+json"): OpenApiTypes.OBJECT,
        **READ_ERRORS,
    },
)
