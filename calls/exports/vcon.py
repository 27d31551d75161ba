"""A call as a vCon, the IETF's container for conversations (draft-ietf-vcon-vcon-core-04).

The turns of a text call are dialogs. The audio of a call is one dialog that links to the recording,
if its address is HTTPS, as the draft demands. The draft is not final, so names may change.
"""

from __future__ import annotations

import base64
import hashlib
import uuid
from datetime import datetime, timedelta
from typing import Any

from calls.conversation import SPEAKERS
from calls.models import Call, Recording

VERSION = "0.4.0"  # deprecated by the draft, but readers still require it
VENDOR = "callcenter"


def export(
    document: dict[str, Any],
    call: Call,
    *,
    site: str,
    recording: Recording | None = None,
    recording_url: str = "",
) -> dict[str, Any]:
    """Return a vCon. ``site`` is any text that distinguishes this site's calls from others."""
    redacted = bool(document["redacted"])
    dialogs = (
        [_audio(call, recording, recording_url, redacted=redacted)]
        if recording
        else [_words(call, turn) for turn in document["turns"]]
    )
    vcon: dict[str, Any] = {
        "vcon": VERSION,
        "uuid": _uuid(site, document, redacted=redacted),
        "created_at": call.state_changed_at.isoformat(),
        "subject": f"Call {call.call_id}",
        "parties": [_party(call, who, redacted=redacted) for who in SPEAKERS],
        "dialog": dialogs,
        "analysis": _analysis(document, call, len(dialogs)),
        "attachments": [],
    }
    if redacted:
        vcon["redacted"] = {"uuid": _uuid(site, document, redacted=False), "type": "PII"}
    return vcon


def _uuid(site: str, document: dict[str, Any], *, redacted: bool) -> str:
    """Return a UUID, version 8. The same content has the same UUID, so duplicates are visible."""
    made = document["provenance"]
    versions = [(made[stage] or {}).get("version") for stage in ("transcribe", "understand")]
    notes = [note["id"] for note in document["notes"]]
    seed = repr((site, document["call_id"], document["state"], versions, notes, redacted))
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:16])
    # Version 8 in the version field and 10 in the variant field (RFC 9562, section 5.8).
    number = number & ~(0xF << 76) | 8 << 76
    return str(uuid.UUID(int=number & ~(0x3 << 62) | 0x2 << 62))


def _party(call: Call, who: str, *, redacted: bool) -> dict[str, str]:
    if who == "agent":
        return {"name": call.agent} if call.agent else {"type": "agent"}
    number = call.callee if call.direction == Call.Direction.OUTBOUND else call.caller
    # The customer's number is personal data.
    if redacted or not number:
        return {"type": "customer"}
    # A carrier may send a name or a SIP address instead of a number.
    return {"tel": number} if number.lstrip("+").isdigit() else {"name": number}


def _audio(call: Call, recording: Recording, url: str, *, redacted: bool) -> dict[str, Any]:
    dialog: dict[str, Any] = {
        "type": "recording",
        "start": call.opened_at.isoformat(),
        "duration": recording.duration_ms / 1000,
        "parties": list(range(len(SPEAKERS))),
        "mediatype": "audio/wav",
        "filename": f"{call.call_id}.wav",
    }
    digest = recording.redacted_sha256 if redacted else recording.sha256
    # The draft allows HTTPS only, and asks for a hash of what is behind the link.
    if url.startswith("https://") and digest:
        encoded = base64.urlsafe_b64encode(bytes.fromhex(digest)).decode().rstrip("=")
        dialog |= {"url": url, "content_hash": f"sha256-{encoded}"}
    return dialog


def _words(call: Call, turn: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "text",
        "start": _moment(call.opened_at, turn["begin_ms"]),
        "duration": (turn["end_ms"] - turn["begin_ms"]) / 1000,
        "parties": SPEAKERS.index(turn["speaker"]),
        "mediatype": "text/plain",
        "body": turn["text"],
        "encoding": "none",
    }


def _moment(opened_at: datetime, offset_ms: int) -> str:
    return (opened_at + timedelta(milliseconds=offset_ms)).isoformat()


def _analysis(document: dict[str, Any], call: Call, dialogs: int) -> list[dict[str, Any]]:
    found = [_entry(document, "transcript", _turns(document, call), dialogs)]
    if document["summary"]:
        kind = "quotes" if document["summary_kind"] == "quotes" else "summary"
        summary = _entry(document, kind, document["summary"], dialogs)
        found.append({**summary, "mediatype": "text/plain", "encoding": "none"})
    if sentiment := document.get("sentiment"):
        found.append(_entry(document, "sentiment", sentiment, dialogs))
    names = ("talk", "non_talk", "interruptions", "keywords", "insights", "skipped")
    report = {name: document[name] for name in names if document.get(name)}
    if report:
        found.append(_entry(document, "report", report, dialogs))
    if fields := call.custom:
        # They came with the call, so no model is named.
        found.append({**_entry(document, "fields", fields, dialogs), "product": ""})
    if notes := document["notes"]:
        # People write notes, so no model is named.
        found.append({**_entry(document, "notes", notes, dialogs), "product": ""})
    return found


def _turns(document: dict[str, Any], call: Call) -> list[dict[str, Any]]:
    return [
        {
            "parties": SPEAKERS.index(turn["speaker"]),
            "start": _moment(call.opened_at, turn["begin_ms"]),
            "duration": (turn["end_ms"] - turn["begin_ms"]) / 1000,
            "text": turn["text"],
        }
        for turn in document["turns"]
    ]


def _entry(document: dict[str, Any], kind: str, body: Any, dialogs: int) -> dict[str, Any]:
    stage = "transcribe" if kind == "transcript" else "understand"
    made_by = document["provenance"][stage] or {}
    return {
        "type": kind,
        "dialog": list(range(dialogs)),
        "vendor": VENDOR,
        "product": f"{made_by.get('provider', '')} {made_by.get('model', '')}".strip(),
        "schema": f"{VENDOR}-{kind}-1",
        "mediatype": "application/json",
        "body": body,
        "encoding": "json",
    }
