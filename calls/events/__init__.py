"""The event log: typed entries, appended in the transaction of the change and read by offset.

alerts       The entries about alerts
annotations  The entries about what people put on calls: tags, notes and legal holds
counting     Counts entries for ``/metrics``
people       The entries about who sees which calls, and who listens
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, ClassVar, Protocol

from django.db import connection, transaction

from calls.audit.record import record_events
from calls.description import check_names
from calls.events.alerts import (
    AlertAcknowledged,
    AlertAssigned,
    AlertRaised,
    AlertReopened,
    AlertResolved,
    AlertSnoozed,
)
from calls.events.annotations import (
    HoldReleased,
    HoldSet,
    NoteAdded,
    NoteDeleted,
    TagAdded,
    TagRemoved,
)
from calls.events.counting import count
from calls.events.people import (
    CallReassigned,
    ListeningEnded,
    ListeningStarted,
    PeopleChanged,
)
from calls.models import CallEvent, EventLog

NOTIFY_CHANNEL = "call_events"
_APPEND_LOCK = 0x43616C6C  # no other advisory lock of this database may use this number


@dataclass(frozen=True, kw_only=True)
class StateChanged:
    """``previous`` is None when the call was opened."""

    type: ClassVar[str] = "state_change"
    previous: str | None
    version: int
    reason: str = ""
    by: str = ""


class CallDescribed:
    """Somebody recorded or corrected who calls whom: every described field, by name."""

    type: ClassVar[str] = "call_described"

    def __init__(self, **description: str) -> None:
        check_names(description)
        vars(self).update(description)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CallDescribed) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash(tuple(vars(self).items()))


@dataclass(frozen=True, kw_only=True)
class CallFieldsChanged:
    """Custom fields that have changed, by name. An empty value: the field was removed."""

    type: ClassVar[str] = "call_fields"
    fields: dict[str, str]
    by: str = ""


@dataclass(frozen=True, kw_only=True)
class GapDetected:
    """The next sequence of the stream was ``expected``, but ``received`` arrived."""

    type: ClassVar[str] = "gap_detected"
    stream: str
    expected: int
    received: int


@dataclass(frozen=True, kw_only=True)
class LatePackets:
    """Packets arrived after the call had ended."""

    type: ClassVar[str] = "late_packets"
    stream: str
    sequences: list[int]
    count: int


@dataclass(frozen=True, kw_only=True)
class AttemptFinished:
    type: ClassVar[str] = "analysis_attempt"
    stage: str
    number: int
    outcome: str
    code: str = ""
    error: str = ""
    retry_at: str | None = None
    request_id: str = ""


@dataclass(frozen=True, kw_only=True)
class ProviderDown:
    """A provider keeps failing. Calls wait without using up attempts; one tries at ``probe_at``."""

    type: ClassVar[str] = "provider_down"
    provider: str
    stage: str
    failures: int
    error: str
    probe_at: str


@dataclass(frozen=True, kw_only=True)
class ProviderBack:
    """A provider has answered after being down for ``seconds``."""

    type: ClassVar[str] = "provider_back"
    provider: str
    stage: str
    down_since: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class AnalysisPaused:
    """Somebody paused the analysis. Calls are still received, and wait."""

    type: ClassVar[str] = "analysis_paused"
    by: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class AnalysisResumed:
    type: ClassVar[str] = "analysis_resumed"
    by: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class SoundTroubles:
    """The audio problems that the analysis found; empty: there are none any more."""

    type: ClassVar[str] = "sound_troubles"
    kinds: list[str]


@dataclass(frozen=True, kw_only=True)
class CallDismissed:
    """Somebody decided that a failed call needs no analysis."""

    type: ClassVar[str] = "call_dismissed"
    by: str
    note: str


@dataclass(frozen=True, kw_only=True)
class CallDeleted:
    """The call and all its data were deleted. The entry itself has no call."""

    type: ClassVar[str] = "call_deleted"
    deleted: str
    reason: str
    by: str = ""


@dataclass(frozen=True, kw_only=True)
class LiveSentiment:
    """The sentiment of a side changed during the call. Empty: not known so far.

    ``unjudged_language`` is the language of a side whose sentiment is unknown because of it.
    """

    type: ClassVar[str] = "live_sentiment"
    agent_sentiment: str
    agent_trend: str
    customer_sentiment: str
    customer_trend: str
    unjudged_language: str = ""


@dataclass(frozen=True, kw_only=True)
class SpeakersSwapped:
    """``swapped`` is true if agent and customer are now the reverse of how they were received."""

    type: ClassVar[str] = "speakers_swapped"
    swapped: bool
    by: str


@dataclass(frozen=True, kw_only=True)
class FormatCorrected:
    """The packets are decoded as ``media`` from now on; empty: as the sender declared them."""

    type: ClassVar[str] = "format_corrected"
    media: str
    by: str


@dataclass(frozen=True, kw_only=True)
class ActionLinkUsed:
    """Somebody followed the site's link to the phone system, which lets people join a call."""

    type: ClassVar[str] = "action_link_used"
    by: str


@dataclass(frozen=True, kw_only=True)
class WebhookDisabled:
    """Nothing is sent to the endpoint until a person enables it again. The entry has no call."""

    type: ClassVar[str] = "webhook_disabled"
    endpoint: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class NotificationTargetDisabled:
    """Nothing is sent to the target until a person enables it again. The entry has no call."""

    type: ClassVar[str] = "notification_target_disabled"
    target: str
    reason: str


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
