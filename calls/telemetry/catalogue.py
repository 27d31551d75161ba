"""Every meter of the processes, with its name and its help text. ``/metrics`` prepends the prefix.

Names are stored and used by dashboards: do not rename them. Counters get ``_total``.
"""

from calls.lifecycle import CallState
from calls.telemetry.meters import Counter, Gauge, Histogram, Meter

QUICK_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
WAYS = (("single",), ("batch",), ("websocket",), ("carrier",))
STATES = tuple((str(state),) for state in CallState.values)
STAGES = (("transcribe",), ("understand",))
OUTCOMES = ("succeeded", "failed", "crashed", "released", "snoozed")
KINDS = (
    *(("packets",), ("carrier",), ("listening",)),
    *(("supervisor",), ("wall",), ("events",)),
)
SLOW_S = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)

# --- Ingest

INGEST_PACKETS = Counter(
    "ingest_packets",
    "Packets written and acknowledged, by interface",
    ("way",),
    known=WAYS,
)
INGEST_SECONDS = Histogram(
    "ingest_seconds",
    "Time from the arrival of a request to the commit of its packets",
    ("way",),
    bounds=QUICK_S,
    known=WAYS,
)
INGEST_REFUSED = Counter(
    "ingest_refused", "Requests and streams refused by overload or an outage", ("way",), known=WAYS
)
INGEST_BUFFERED = Gauge("ingest_buffered_packets", "Packets that wait to be written")
INGEST_OLDEST_S = Gauge(
    "ingest_oldest_age_seconds", "Age of the oldest packet not yet written", per_process=True
)
DUPLICATES = Counter("ingest_duplicate_packets", "Packets dropped because they were stored before")
LATE = Counter("ingest_late_packets", "Packets stored after the end of their call")
GAPS = Counter("ingest_gaps", "Gaps found in the numbering of streams")
MISSED = Counter("ingest_gap_packets", "Packets missing in gaps when they were found")

# --- Calls and events

CALL_CHANGES = Counter("call_changes", "Calls that reached a state", ("state",), known=STATES)
EVENTS = Counter("events", "Events appended to the log", ("type",))
EVENT_LAG_SECONDS = Histogram(
    "event_lag_seconds",
    "Age of the oldest event of each batch when it is sent to supervisors",
    bounds=QUICK_S,
)

# --- Analysis

ATTEMPTS = Counter(
    "analysis_attempts",
    "Finished attempts by stage and outcome",
    ("stage", "outcome"),
    known=[(*stage, outcome) for stage in STAGES for outcome in OUTCOMES],
)
ATTEMPT_SECONDS = Histogram(
    "analysis_attempt_seconds",
    "Duration of finished attempts",
    ("stage",),
    bounds=SLOW_S,
    known=STAGES,
)
LIVE_HEARD = Counter("live_utterances_heard", "Utterances recognised while their call lasted")
LIVE_SKIPPED = Counter("live_utterances_skipped", "Utterances left to the final transcript")

# --- Processes

SOCKETS = Gauge("sockets", "Open WebSockets and event streams by kind", ("kind",), known=KINDS)
HTTP_RESPONSES = Counter("http_responses", "Responses to HTTP requests by status code", ("code",))
DATABASE_OUTAGES = Counter(
    "database_errors", "Failures of the database that made a part of a process wait"
)

METERS = Meter.all
