"""Responses that are files: recordings, transcripts in several formats, and CSV tables."""

from __future__ import annotations

import json
import logging
from codecs import BOM_UTF8
from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from calls import events
from calls.analysis.recording.files import CONTENT_TYPE
from calls.analysis.recording.playback import NotHeardYet, Playback, name_turned, open_playback
from calls.analysis.stages import language_of
from calls.api.authentication import may_see_personal_data
from calls.api.ranges import ThreadedResponse, serve_file
from calls.api.serializers.annotations import NoteSerializer
from calls.audit.record import record_export, record_look
from calls.exports import contactlens, found, plaintext, vcon, webvtt
from calls.exports import table as csv_table
from calls.exports.table import as_lines
from calls.models import AuditAction, Call, Recording
from calls.search.find import Search

log = logging.getLogger(__name__)
INCOMPLETE = "This table is incomplete: the server could not read the rest. Download it again."
FORMATS = ["json", "text", "vtt", "contactlens", "vcon"]
NO_CACHE = {"Cache-Control": "private, no-cache"}


def transcript(
    request: Request, call: Call, document: dict[str, Any], wanted: str
) -> HttpResponseBase:
    """Answer with a transcript document in one of FORMATS. All but Contact Lens have the notes."""
    document = {**document, "notes": notes_of(call)}
    if wanted != "json":
        record_export(f"transcript.{wanted}", call_id=call.call_id, redacted=document["redacted"])
    match wanted:
        case "text":
            return _text(plaintext.export(document), "text/plain", f"{call.call_id}.txt")
        case "vtt":
            return _text(webvtt.export(document), "text/vtt", f"{call.call_id}.vtt")
        case "contactlens":
            found = contactlens.export(document, language=language_of(call))
            return _json(found, "application/json", f"{call.call_id}.contactlens.json")
        case "vcon":
            found = _vcon(request, call, document)
            return _json(found, "application/vcon+json", f"{call.call_id}.vcon.json")
    return Response({**document, "live": False, "fields": call.custom})


def notes_of(call: Call) -> list[dict[str, Any]]:
    """Return the notes of a call, oldest first, as the API shows them."""
    return list(NoteSerializer(call.notes.all(), many=True).data)


def _json(document: dict[str, Any], content_type: str, name: str) -> HttpResponse:
    """Return JSON in a third-party format. Never the browsable API."""
    return HttpResponse(
        json.dumps(document, ensure_ascii=False),
        content_type=content_type,
        headers=NO_CACHE | {"Content-Disposition": f'inline; filename="{name}"'},
    )


def _text(text: str, content_type: str, name: str) -> HttpResponse:
    disposition = {"Content-Disposition": f'inline; filename="{name}"'}
    return HttpResponse(
        text, content_type=f"{content_type}; charset=utf-8", headers=NO_CACHE | disposition
    )


def _vcon(request: Request, call: Call, document: dict[str, Any]) -> dict[str, Any]:
    address = request.build_absolute_uri(reverse("recording", args=[call.call_id]))
    query = "" if document["redacted"] else "?redacted=false"
    recording = Recording.objects.filter(call=call).first()
    if recording is not None and recording.turned and request.is_secure():
        name_turned(recording)
    return vcon.export(
        document,
        call,
        site=events.epoch(),
        recording=recording,
        recording_url=address + query,
    )


def recording(request: Request, call: Call, *, redacted: bool) -> HttpResponseBase:
    """Answer with the audio of a call, or with the requested range."""
    playback = _open(request, call, redacted=redacted)
    if playback is None:
        raise NotFound("This call has no audio.")
    record_look(AuditAction.PLAYBACK, call_id=call.call_id, redacted=redacted)
    return serve_file(
        request,
        playback.file,
        size=playback.size,
        etag=playback.sha256,
        content_type=CONTENT_TYPE,
        name=f"{call.call_id}.wav",
    )


def _open(request: Request, call: Call, *, redacted: bool) -> Playback | None:
    try:
        return open_playback(call, redacted=redacted)
    except NotHeardYet as error:
        if may_see_personal_data(request):
            return open_playback(call, redacted=False)
        raise PermissionDenied(
            "This call has no transcript yet, so personal data cannot be muted, and your account "
            "lacks the permission calls.view_unredacted."
        ) from error


def table(calls: QuerySet[Call], *, bom: bool) -> HttpResponseBase:
    """Answer with a list of calls as CSV."""
    return csv(csv_table.export(calls), "calls.csv", bom=bom)


def found_table(search: Search, *, bom: bool) -> HttpResponseBase:
    """Answer with all search results as CSV."""
    return csv(found.export(search), "search.csv", bom=bom)


def csv(lines: Iterator[bytes], name: str, *, bom: bool = False) -> HttpResponseBase:
    """Answer with a table as a file, streamed while it is read.

    With ``bom``, it starts with a byte order mark. Without one, Excel reads UTF-8 as the code page
    of Windows; with one, many programs take it for a part of the first column's name.

    The header and the first block are read before anything is sent, so that what is wrong with a
    request is an error, not a table that breaks off.
    """
    begin = [BOM_UTF8] * bom + list(islice(lines, 2))
    record_export(name)
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return ThreadedResponse(
        _to_a_visible_end(begin, lines),
        content_type="text/csv; charset=utf-8",
        headers=NO_CACHE | disposition,
    )


def _to_a_visible_end(begin: list[bytes], rest: Iterator[bytes]) -> Iterator[bytes]:
    """Yield a table. If it cannot be read to its end, a last line says so."""
    yield from begin
    try:
        yield from rest
    except Exception:
        log.exception("a table could not be read to its end")
        yield as_lines([[INCOMPLETE]])
