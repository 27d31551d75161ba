"""The models, one module per subject. They hold data and queries; services write to them.

account     Where people are logged in, and who they are at a sign-on service
call        Calls: parties, state, packet counters and progress of the analysis
media       Streams, packets, ranges of pruned packets, and the sockets of carriers
live        Live transcripts, and who watches and listens
analysis    Attempts, transcripts, analyses, recordings, insights and provider health
log         The event log
alert       Alert rules, alerts, and the positions of the watchers
annotation  Tags, notes and custom fields
bulk        Bulk actions and their outcome for each call
webhook     Webhook endpoints and deliveries
delivery    The common parts of receivers and of messages
notification  Who gets alerts, and the messages to them
operation   API keys, heartbeats, figures of processes, the pause of the analysis, load samples
people      Agents with their names, and teams
preference  Preferences of people, and their saved views
privacy/    The audit log, legal holds and erasures
search      The words of each call, as the database indexes them
wall        Wall screens: displays, and the limits that colour their tiles
fields      Model fields that Django does not have
"""

from calls.models.account import LoginSession, SignOnIdentity
from calls.models.alert import (
    IS_OPEN,
    Alert,
    AlertQuerySet,
    AlertRule,
    Severity,
    Watch,
    level_of,
)
from calls.models.analysis import (
    Analysis,
    Attempt,
    AttemptQuerySet,
    Insight,
    ProviderHealth,
    Recording,
    SummaryKind,
    Transcript,
)
from calls.models.annotation import (
    NOTE_LENGTH,
    TAG_LENGTH,
    CustomField,
    FieldValue,
    Note,
    Tag,
)
from calls.models.bulk import (
    BulkAction,
    BulkItem,
)
from calls.models.call import (
    CALL_ID_LENGTH,
    CALL_ID_PATTERN,
    CALL_ID_RULE,
    EXTERNAL_ID_LENGTH,
    LASTED,
    RESERVED_CALL_IDS,
    Call,
    CallQuerySet,
    Stage,
)
from calls.models.delivery import Delivery, Receiver
from calls.models.live import (
    CallViewing,
    ListenerReport,
    ListenSession,
    LiveTranscription,
    LiveUtterance,
)
from calls.models.log import (
    CallEvent,
    EventLog,
)
from calls.models.media import (
    COUNTED_FROM_ONE,
    SEVERAL_TRACKS,
    MediaConnection,
    Packet,
    PrunedRange,
    Stream,
    count_missing,
    origin_of,
)
from calls.models.notification import NotificationDelivery, NotificationTarget
from calls.models.operation import (
    AnalysisPause,
    ApiKey,
    IngestReport,
    MinuteSample,
    ProcessFigures,
    WorkerHeartbeat,
)
from calls.models.people import (
    Agent,
    AgentName,
    Team,
    TeamQueue,
)
from calls.models.preference import (
    Preferences,
    SavedView,
)
from calls.models.privacy import (
    LOOKS,
    REASON_LENGTH,
    AppendOnly,
    AuditAction,
    AuditCut,
    AuditEntry,
    AuditQuerySet,
    Erasure,
    ErasureItem,
    ErasureQuerySet,
    LegalHold,
    LegalHoldQuerySet,
)
from calls.models.search import (
    FullText,
    IndexedWords,
    SearchEntry,
)
from calls.models.wall import (
    Customers,
    DisplayScreen,
    QueueThreshold,
    WallPage,
)
from calls.models.webhook import (
    WebhookDelivery,
    WebhookEndpoint,
)

__all__ = [
    "CALL_ID_LENGTH",
    "CALL_ID_PATTERN",
    "CALL_ID_RULE",
    "COUNTED_FROM_ONE",
    "EXTERNAL_ID_LENGTH",
    "IS_OPEN",
    "LASTED",
    "LOOKS",
    "NOTE_LENGTH",
    "REASON_LENGTH",
    "RESERVED_CALL_IDS",
    "SEVERAL_TRACKS",
    "TAG_LENGTH",
    "Agent",
    "AgentName",
    "Alert",
    "AlertQuerySet",
    "AlertRule",
    "Analysis",
    "AnalysisPause",
    "ApiKey",
    "AppendOnly",
    "Attempt",
    "AttemptQuerySet",
    "AuditAction",
    "AuditCut",
    "AuditEntry",
    "AuditQuerySet",
    "BulkAction",
    "BulkItem",
    "Call",
    "CallEvent",
    "CallQuerySet",
    "CallViewing",
    "CustomField",
    "Customers",
    "Delivery",
    "DisplayScreen",
    "Erasure",
    "ErasureItem",
    "ErasureQuerySet",
    "EventLog",
    "FieldValue",
    "FullText",
    "IndexedWords",
    "IngestReport",
    "Insight",
    "LegalHold",
    "LegalHoldQuerySet",
    "ListenSession",
    "ListenerReport",
    "LiveTranscription",
    "LiveUtterance",
    "LoginSession",
    "MediaConnection",
    "MinuteSample",
    "Note",
    "NotificationDelivery",
    "NotificationTarget",
    "Packet",
    "Preferences",
    "ProcessFigures",
    "ProviderHealth",
    "PrunedRange",
    "QueueThreshold",
    "Receiver",
    "Recording",
    "SavedView",
    "SearchEntry",
    "Severity",
    "SignOnIdentity",
    "Stage",
    "Stream",
    "SummaryKind",
    "Tag",
    "Team",
    "TeamQueue",
    "Transcript",
    "WallPage",
    "Watch",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WorkerHeartbeat",
    "count_missing",
    "level_of",
    "origin_of",
]
