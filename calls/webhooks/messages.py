"""Builds messages from events. They contain no personal data beyond what the pages show."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from calls import events
from calls.description import DESCRIBED
from calls.events.alerts import (
    AlertAcknowledged,
    AlertAssigned,
    AlertRaised,
    AlertReopened,
    AlertResolved,
    AlertSnoozed,
)
from calls.lifecycle import CallState
from calls.models import Call, CallEvent, WebhookEndpoint

RESULT = "analysis_result"
_ALERTS = (
    AlertRaised.type,
    AlertAcknowledged.type,
    AlertResolved.type,
    AlertAssigned.type,
    AlertSnoozed.type,
    AlertReopened.type,
)
_DESCRIPTION = tuple(each.name for each in DESCRIBED if each.in_webhooks)


def wanted_types(endpoint: WebhookEndpoint, event: CallEvent) -> Iterator[str]:
    """Yield the types of the messages that an endpoint gets for an event."""
    call = event.call
    if call is None or endpoint.queue not in ("", call.queue):
        return
    if event.type in _ALERTS and endpoint.alerts:
        yield event.type
    if event.type == events.StateChanged.type:
        if endpoint.state_changes:
            yield event.type
        if endpoint.results and event.state in (CallState.ARCHIVED, CallState.FAILED):
            yield RESULT


def body_of(kind: str, event: CallEvent) -> str:
    message = events.as_message(event)
    call = event.call
    described = {name: getattr(call, name) for name in _DESCRIPTION} if call else {}
    data = {key: message[key] for key in ("call_id", "state", "offset")} | described
    # Results are read now, not taken from the event: the log holds no summaries.
    data |= _findings(call, event) if kind == RESULT and call else message["data"]
    return json.dumps({"type": kind, "timestamp": message["at"], "data": data})


def call_id_in(body: str) -> str:
    """Return the id of the call that a message is about, or nothing."""
    return str(json.loads(body)["data"].get("call_id") or "")


def test_body(endpoint: WebhookEndpoint, now: datetime) -> str:
    data = {"endpoint": endpoint.name}
    return json.dumps({"type": "test", "timestamp": now.isoformat(), "data": data})


def _findings(call: Call, event: CallEvent) -> dict[str, Any]:
    if event.state != CallState.ARCHIVED:
        return {"reason": event.data.get("reason", "")}
    analysis = call.analyses.order_by("-version").first()
    if analysis is None:
        return {}
    return {
        "version": analysis.version,
        "summary": analysis.summary,
        "summary_kind": analysis.summary_kind,
        "unjudged_language": call.unjudged_language,
        "sound_troubles": call.sound_trouble_kinds,
        "keywords": analysis.keywords,
        "insights": analysis.insights,
        **analysis.metrics,
    }
