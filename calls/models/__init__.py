"""The models, one module per subject. They hold data and queries; services write to them.

call        Calls: parties, state, packet counters and progress of the analysis
media       Streams, packets, ranges of pruned packets, and the sockets of carriers
live        What was heard of calls that last, and who watches and listens
analysis    Attempts, transcripts, analyses, recordings, insights and provider health
log         The event log
alert       Alert rules, alerts, and the positions of the watchers
annotation  Tags and notes
bulk        Bulk actions and their outcome for each call
webhook     Webhook endpoints and deliveries
delivery    What receivers of messages and the messages themselves have in common
notification  Who is told of alerts, and the messages to them
operation   API keys, worker heartbeats, overload, the pause of the analysis and load samples
preference  Preferences of people, and their saved views
search      The words of each call, as the database indexes them
wall        Wall screens: displays, and the limits that colour their tiles
fields      Model fields that Django does not have
"""

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
    WorkerHeartbeat,
)
from calls.models.preference import (
    Preferences,
    SavedView,
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
    "NOTE_LENGTH",
    "RESERVED_CALL_IDS",
    "SEVERAL_TRACKS",
    "TAG_LENGTH",
    "Alert",
    "AlertQuerySet",
    "AlertRule",
    "Analysis",
    "AnalysisPause",
    "ApiKey",
    "Attempt",
    "AttemptQuerySet",
    "BulkAction",
    "BulkItem",
    "Call",
    "CallEvent",
    "CallQuerySet",
    "CallViewing",
    "Customers",
    "Delivery",
    "DisplayScreen",
    "EventLog",
    "FullText",
    "IndexedWords",
    "IngestReport",
    "Insight",
    "ListenSession",
    "ListenerReport",
    "LiveTranscription",
    "LiveUtterance",
    "MediaConnection",
    "MinuteSample",
    "Note",
    "NotificationDelivery",
    "NotificationTarget",
    "Packet",
    "Preferences",
    "ProviderHealth",
    "PrunedRange",
    "QueueThreshold",
    "Receiver",
    "Recording",
    "SavedView",
    "SearchEntry",
    "Severity",
    "Stage",
    "Stream",
    "SummaryKind",
    "Tag",
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
