"""The event log: typed entries, appended in the transaction of the change and read by offset.

calls        The entries about a call itself: its states, its description and its packets
analysis     The entries about the analysis: attempts, providers, pauses and findings
alerts       The entries about alerts
annotations  The entries about what people put on calls: tags, notes and legal holds
people       The entries about who sees which calls, and who listens
receivers    The entries about webhook endpoints and notification targets
counting     Counts entries for ``/metrics``
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from django.db import connection, transaction

from calls.audit.record import record_events
from calls.events.alerts import (
    AlertAcknowledged,
    AlertAssigned,
    AlertRaised,
    AlertReopened,
    AlertResolved,
    AlertSnoozed,
)
from calls.events.analysis import (
    AnalysisPaused,
    AnalysisResumed,
    AttemptFinished,
    LiveSentiment,
    ProviderBack,
    ProviderDown,
    SoundTroubles,
)
from calls.events.annotations import (
    HoldReleased,
    HoldSet,
    NoteAdded,
    NoteDeleted,
    TagAdded,
    TagRemoved,
)
from calls.events.calls import (
    CallDeleted,
    CallDescribed,
    CallDismissed,
    CallFieldsChanged,
    FormatCorrected,
    GapDetected,
    LatePackets,
    SpeakersSwapped,
    StateChanged,
)
from calls.events.counting import count
from calls.events.people import (
    ActionLinkUsed,
    CallReassigned,
    ListeningEnded,
    ListeningStarted,
    PeopleChanged,
)
from calls.events.receivers import (
    NotificationTargetDisabled,
    WebhookDisabled,
)
from calls.models import CallEvent, EventLog

__all__ = [
    "NOTIFY_CHANNEL",
    "ActionLinkUsed",
    "AlertAcknowledged",
    "AlertAssigned",
    "AlertRaised",
    "AlertReopened",
    "AlertResolved",
    "AlertSnoozed",
    "AnalysisPaused",
    "AnalysisResumed",
    "AtHand",
    "AttemptFinished",
    "CallDeleted",
    "CallDescribed",
    "CallDismissed",
    "CallFieldsChanged",
    "CallReassigned",
    "CallRef",
    "Entry",
    "FormatCorrected",
    "GapDetected",
    "HoldReleased",
    "HoldSet",
    "LatePackets",
    "ListeningEnded",
    "ListeningStarted",
    "LiveSentiment",
    "NoCall",
    "NoteAdded",
    "NoteDeleted",
    "NotificationTargetDisabled",
    "Payload",
    "PeopleChanged",
    "ProviderBack",
    "ProviderDown",
    "SoundTroubles",
    "SpeakersSwapped",
    "StateChanged",
    "TagAdded",
    "TagRemoved",
    "WebhookDisabled",
    "append",
    "as_message",
    "as_messages",
    "epoch",
    "head",
    "log_entry",
    "read",
]

NOTIFY_CHANNEL = "call_events"
_APPEND_LOCK = 0x43616C6C  # no other advisory lock of this database may use this number


@dataclass(frozen=True, kw_only=True)
class NoCall:
    """Takes the place of the call in an entry that has none."""

    pk: None = None
    call_id: None = None
    state: str = ""


class CallRef(Protocol):
    """The fields of a call that the log needs."""

    @property
    def pk(self) -> Any: ...
    @property
    def call_id(self) -> Any: ...
    @property
    def state(self) -> Any: ...


Payload = (
    StateChanged
    | CallDescribed
    | CallReassigned
    | CallFieldsChanged
    | GapDetected
    | LatePackets
    | AttemptFinished
    | SoundTroubles
    | CallDismissed
    | ProviderDown
    | ProviderBack
    | AnalysisPaused
    | AnalysisResumed
    | CallDeleted
    | AlertRaised
    | AlertAcknowledged
    | AlertResolved
    | AlertAssigned
    | AlertSnoozed
    | AlertReopened
    | TagAdded
    | TagRemoved
    | NoteAdded
    | NoteDeleted
    | HoldSet
    | HoldReleased
    | LiveSentiment
    | SpeakersSwapped
    | FormatCorrected
    | ListeningStarted
    | ListeningEnded
    | ActionLinkUsed
    | WebhookDisabled
    | NotificationTargetDisabled
    | PeopleChanged
)


def append(entries: Sequence[tuple[CallRef, Payload]], *, at: datetime) -> None:
    """Add entries to the log, in order. Call it last in a transaction, after every row lock.

    PostgreSQL assigns ids before commit, so a reader could see offset 8 before offset 7 exists
    and never read 7. The advisory lock is held until commit, so ids become visible in order. It
    is always the last lock taken, so it cannot cause a deadlock. SQLite has one writer.
    """
    if not entries:
        return
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("Call append() inside a transaction.")
    is_postgres = connection.vendor == "postgresql"
    if is_postgres:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_APPEND_LOCK])
    # Before the entries, so that a change is never without the one who made it.
    record_events(entries, at=at)
    CallEvent.objects.bulk_create(
        CallEvent(
            call_id=call.pk, type=payload.type, state=call.state, data=dict(vars(payload)), at=at
        )
        for call, payload in entries
    )
    if is_postgres:
        with connection.cursor() as cursor:
            # Sent with the commit, and empty: listeners read the log from their position.
            cursor.execute("SELECT pg_notify(%s, '')", [NOTIFY_CHANNEL])
    transaction.on_commit(partial(count, [(payload, call.state) for call, payload in entries]))


def read(*, after: int, limit: int) -> list[CallEvent]:
    """Return up to ``limit`` events with an offset greater than ``after``, oldest first."""
    return list(CallEvent.objects.filter(id__gt=after).select_related("call")[:limit])


def head() -> int:
    """Return the newest offset, or 0 if the log is empty."""
    newest = CallEvent.objects.order_by("-id").values_list("id", flat=True).first()
    return newest or 0


def epoch() -> str:
    """Return the name of this log. It changes when the database is created again."""
    # A fixed key, so that two processes that start together make one row.
    log, _ = EventLog.objects.get_or_create(pk=1)
    return str(log.epoch)


def as_message(event: CallEvent) -> dict[str, Any]:
    """Return an event in the form that every interface sends to clients."""
    return {
        "type": event.type,
        "call_id": event.call.call_id if event.call else None,
        "state": event.state,
        "data": event.data,
        "offset": event.id,
        "at": event.at.isoformat(),
    }


def as_messages(events: Iterable[CallEvent]) -> list[dict[str, Any]]:
    return [as_message(event) for event in events]


Entry = tuple[CallRef, Payload]


@dataclass(frozen=True, slots=True)
class AtHand:
    """A copy of what the log needs of a call, which may change before the entry is appended."""

    pk: int
    call_id: str
    state: str


def log_entry(call: CallRef, payload: Payload) -> Entry:
    return AtHand(call.pk, call.call_id, str(call.state)), payload
