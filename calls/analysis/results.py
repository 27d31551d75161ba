"""The results of a call as one document, for the API, the pages and exports."""

from __future__ import annotations

from typing import Any

from calls.analysis.stages import language_of
from calls.conversation import turn_as_json, turns_from_json
from calls.models import Analysis, Call, Transcript
from calls.redaction.redact import redact


def transcript_document(call: Call, *, redacted: bool = True) -> dict[str, Any] | None:
    """Return the newest transcript with the results of its analysis, or None without one."""
    analysis = _newest_analysis(call, redacted=redacted)
    transcript = analysis.transcript if analysis else call.transcripts.order_by("-version").first()
    if transcript is None:
        return None
    return {
        "call_id": call.call_id,
        "state": call.state,
        "duration_ms": transcript.duration_ms,
        "turns": _turns(call, transcript, analysis, redacted=redacted),
        "redacted": redacted,
        **_analysis_results(analysis),
        "skipped": analysis.skipped if analysis else transcript.skipped,
        "provenance": {
            "transcribe": {"version": transcript.version, **transcript.provenance},
            "understand": (
                {"version": analysis.version, **analysis.provenance} if analysis else None
            ),
        },
    }


def _newest_analysis(call: Call, *, redacted: bool) -> Analysis | None:
    # A long transcript takes milliseconds to decode. The analysis has its redacted turns.
    unread = ["transcript__speech", *(["transcript__turns"] if redacted else [])]
    analyses = call.analyses.select_related("transcript").defer(*unread)
    return analyses.order_by("-version").first()


def _turns(
    call: Call, transcript: Transcript, analysis: Analysis | None, *, redacted: bool
) -> list[dict[str, Any]]:
    if analysis is None:
        turns = turns_from_json(transcript.turns)
        shown = redact(turns, language=language_of(call)).turns if redacted else turns
        return [{**turn_as_json(turn), "sentiment": None, "score": None} for turn in shown]
    if redacted:
        return list(analysis.turns)
    return [
        {**said, "sentiment": scored["sentiment"], "score": scored["score"]}
        for said, scored in zip(transcript.turns, analysis.turns, strict=True)
    ]


def _analysis_results(analysis: Analysis | None) -> dict[str, Any]:
    if analysis is None:
        return {"summary": "", "summary_kind": "", "keywords": [], "insights": {}, "redactions": []}
    return {
        "summary": analysis.summary,
        "summary_kind": analysis.summary_kind,
        "keywords": analysis.keywords,
        "insights": analysis.insights,
        "redactions": analysis.redactions,
        **analysis.metrics,
    }
