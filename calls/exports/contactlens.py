"""A transcript in the format of Amazon Contact Lens post-call files, version 1.1.0.

https://docs.aws.amazon.com/connect/latest/adminguide/contact-lens-example-output-files.html
Fields that callcenter does not measure are empty or omitted. Each skipped stage is listed with its
reason.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from calls.conversation import SPEAKERS

VERSION = "1.1.0"
# Amazon's states of a job. A call that waits or is analysed counts as in progress.
STATUS = {"ARCHIVED": "COMPLETED", "FAILED": "FAILED"}


def export(document: dict[str, Any], *, language: str) -> dict[str, Any]:
    return {
        "Version": VERSION,
        # The format demands these fields, which only Amazon could fill.
        "AccountId": "",
        "Channel": "VOICE",
        "JobStatus": STATUS.get(document["state"], "IN_PROGRESS"),
        "LanguageCode": language,
        "ContentMetadata": _content(document),
        "JobDetails": {"SkippedAnalysis": [_skipped(item) for item in document["skipped"]]},
        "CustomerMetadata": {
            "ContactId": document["call_id"],
            "InstanceId": "",
            "InputS3Uri": "",
        },
        "Participants": [
            {"ParticipantId": who, "ParticipantRole": who.upper()} for who in SPEAKERS
        ],
        "Categories": {"MatchedCategories": [], "MatchedDetails": {}},
        "ConversationCharacteristics": _characteristics(document),
        "CustomModels": [],
        "Transcript": _transcript(document),
    }


def _content(document: dict[str, Any]) -> dict[str, Any]:
    if not document["redacted"]:
        return {"Output": "Raw"}
    kinds = sorted({item["kind"] for item in document["redactions"]})
    detail = {"RedactionEntitiesRequested": kinds, "RedactionMaskMode": "ENTITY_TYPE"}
    return {
        "Output": "Redacted",
        "RedactionTypes": ["PII"],
        "RedactionTypesMetadata": {"PII": detail},
    }


def _skipped(item: dict[str, str]) -> dict[str, Any]:
    return {
        "Feature": item["stage"].upper(),
        "ReasonCode": "NOT_AVAILABLE",
        "Reason": item["reason"],
        "SkippedEntities": [],
    }


def _characteristics(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"TotalConversationDurationMillis": document["duration_ms"]}
    # Quotes from the call are not a summary, and the format has no place for them.
    if document["summary"] and document["summary_kind"] != "quotes":
        found["ContactSummary"] = {"PostContactSummary": {"Content": document["summary"]}}
    if sentiment := document.get("sentiment"):
        found["Sentiment"] = _sentiment(sentiment)
    if interruptions := document.get("interruptions"):
        found["Interruptions"] = {
            "TotalCount": interruptions["count"],
            "TotalTimeMillis": interruptions["total_ms"],
            "InterruptionsByInterrupter": {
                who.upper(): _spans(spans) for who, spans in interruptions["by"].items()
            },
        }
    if non_talk := document.get("non_talk"):
        found["NonTalkTime"] = {
            "TotalTimeMillis": non_talk["total_ms"],
            "Instances": _spans(non_talk["instances"]),
        }
    return {**found, **_talk(document.get("talk") or {})}


def _sentiment(sentiment: dict[str, Any]) -> dict[str, Any]:
    return {
        "OverallSentiment": {
            who.upper(): mood["score"] for who, mood in sentiment["overall"].items()
        },
        "SentimentByPeriod": {
            "QUARTER": {
                # A quarter in which a side is silent has no score, and the format has no null.
                who.upper(): [
                    {**_span(period), "Score": period["score"]}
                    for period in periods
                    if period["score"] is not None
                ]
                for who, periods in sentiment["by_quarter"].items()
            }
        },
    }


def _talk(talk: dict[str, Any]) -> dict[str, Any]:
    if not talk:
        return {}
    return {
        "TalkSpeed": {
            "DetailsByParticipant": {
                who.upper(): {"AverageWordsPerMinute": figures["words_per_minute"]}
                for who, figures in talk.items()
            }
        },
        "TalkTime": {
            "TotalTimeMillis": sum(figures["total_ms"] for figures in talk.values()),
            "DetailsByParticipant": {
                who.upper(): {"TotalTimeMillis": figures["total_ms"]}
                for who, figures in talk.items()
            },
        },
    }


def _transcript(document: dict[str, Any]) -> list[dict[str, Any]]:
    removed: dict[int, list[dict[str, Any]]] = {}
    for item in document["redactions"] if document["redacted"] else ():
        removed.setdefault(item["turn"], []).append(_span(item))
    turns = []
    for number, turn in enumerate(document["turns"]):
        told = {
            "Id": f"turn-{number + 1}",
            "ParticipantId": turn["speaker"],
            "Content": turn["text"],
            **_span(turn),
        }
        # The format has no value for "not known", so the field is left out.
        if turn["sentiment"]:
            told["Sentiment"] = turn["sentiment"]
        if number in removed:
            told["Redaction"] = {"RedactedTimestamps": removed[number]}
        turns.append(told)
    return turns


def _span(span: dict[str, Any]) -> dict[str, int]:
    return {"BeginOffsetMillis": span["begin_ms"], "EndOffsetMillis": span["end_ms"]}


def _spans(spans: Iterable[dict[str, Any]]) -> list[dict[str, int]]:
    return [{**_span(span), "DurationMillis": span["end_ms"] - span["begin_ms"]} for span in spans]
