"""Records of calls, read-only: packets, events, attempts, results and recordings."""

from __future__ import annotations

import json
from typing import Any, get_args

from django.contrib import admin
from django.db.models import QuerySet
from django.db.models.functions import Left
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from calls import events
from calls.admin.display import (
    NONE,
    link_to_call,
    page_of,
    pill,
    show_cut,
    show_error,
)
from calls.admin.lists import (
    CallRecords,
    NarrowedFilter,
    PersonalData,
    is_narrowed,
)
from calls.models import (
    Analysis,
    Attempt,
    Call,
    CallEvent,
    Packet,
    Recording,
    Stream,
    Transcript,
)

EXCERPT_LENGTH = 80
LEVELS: dict[str, str] = {
    Attempt.Outcome.RUNNING: "work",
    Attempt.Outcome.SUCCEEDED: "ok",
    Attempt.Outcome.FAILED: "bad",
    Attempt.Outcome.CRASHED: "bad",
    Attempt.Outcome.SNOOZED: "warn",
}
STREAMS_SEARCHED = 1_000


class EventTypeFilter(NarrowedFilter):
    title = parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        types = [payload.type for payload in get_args(events.Payload)]
        return [(name, name) for name in types] if is_narrowed(request) else []


class LatePacketFilter(NarrowedFilter):
    title = parameter_name = "late"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("True", "Late"), ("False", "On time")] if is_narrowed(request) else []

    def value(self) -> str | None:
        value = super().value()
        return value if value in ("True", "False") else None


@admin.register(Packet)
class PacketAdmin(PersonalData, CallRecords):
    call_path = "stream__call__"
    list_display = [
        "id",
        "call_link",
        "stream",
        "sequence",
        "shown_track",
        "timestamp",
        "received_at",
        "late",
        "excerpt",
    ]
    list_filter = [LatePacketFilter]
    list_select_related = ("stream__call",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Packet]:
        beginning = Left("data", EXCERPT_LENGTH + 1)
        packets: QuerySet[Packet] = super().get_queryset(request)
        # An audio packet of a second has some 10 KB. The list shows 80 characters of each.
        return packets.defer("data").annotate(beginning=beginning)

    def get_ordering(self, request: HttpRequest) -> Any:
        # For one call or stream, follow the index of its packets; otherwise show the newest first.
        return ["stream_id", "sequence"] if is_narrowed(request) else ["-id"]

    @admin.display(description="call")
    def call_link(self, row: Packet) -> SafeString | str:
        return link_to_call(row.stream.call)

    @admin.display(description="track")
    def shown_track(self, row: Packet) -> SafeString | str:
        return show_cut(row.track, short=True)

    @admin.display(description="data")
    def excerpt(self, row: Any) -> SafeString | str:
        return show_cut(Truncator(row.beginning).chars(EXCERPT_LENGTH))

    def of_call(self, queryset: QuerySet[Any], calls: list[Call]) -> QuerySet[Any]:
        streams = Stream.objects.filter(call__in=calls).order_by("pk")
        return queryset.filter(stream__in=list(streams[:STREAMS_SEARCHED]))


@admin.register(CallEvent)
class CallEventAdmin(CallRecords):
    list_display = ["id", "type", "summary", "call_link", "at"]
    list_filter = [EventTypeFilter]
    json_fields = ["data"]

    @admin.display(description="data")
    def summary(self, event: CallEvent) -> SafeString | str:
        data = json.dumps(event.data, ensure_ascii=False) if event.data else ""
        return show_cut(Truncator(data).chars(2 * EXCERPT_LENGTH))


@admin.register(Attempt)
class AttemptAdmin(CallRecords):
    list_display = [
        "id",
        "shown_outcome",
        "shown_error",
        "call_link",
        "stage",
        "shown_number",
        "provider",
        "started_at",
        "took",
        "retry_at",
    ]
    list_filter = ["outcome", "stage"]

    def view_on_site(self, attempt: Attempt) -> str:
        return page_of(attempt.call)

    @admin.display(description="outcome")
    def shown_outcome(self, attempt: Attempt) -> SafeString:
        level = LEVELS.get(attempt.outcome, "off")
        return pill(level, Attempt.Outcome(attempt.outcome).label.partition(" (")[0])

    @admin.display(description="error")
    def shown_error(self, attempt: Attempt) -> SafeString | str:
        return show_error(attempt.error or attempt.code)

    @admin.display(description="number")
    def shown_number(self, attempt: Attempt) -> str:
        return f"{attempt.number}, round {attempt.round + 1}"

    @admin.display(description="took")
    def took(self, attempt: Attempt) -> str:
        took_ms = attempt.duration_ms
        return NONE if took_ms is None else f"{took_ms / 1000:,.1f} s"


@admin.register(Transcript)
class TranscriptAdmin(PersonalData, CallRecords):
    list_display = ["id", "call_link", "version", "duration_ms", "created_at"]
    json_fields = ["turns", "speech", "skipped", "provenance"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Transcript]:
        # The turns of a long call are large, and lists do not show them.
        return super().get_queryset(request).defer("turns", "speech")


@admin.register(Analysis)
class AnalysisAdmin(CallRecords):
    list_display = ["id", "call_link", "excerpt", "version", "created_at"]
    json_fields = [
        "turns",
        "keywords",
        "insights",
        "metrics",
        "redactions",
        "skipped",
        "provenance",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Analysis]:
        return super().get_queryset(request).defer("turns", "metrics", "insights")

    @admin.display(description="summary")
    def excerpt(self, row: Analysis) -> SafeString | str:
        return show_cut(Truncator(row.summary).chars(2 * EXCERPT_LENGTH))


@admin.register(Recording)
class RecordingAdmin(PersonalData, CallRecords):
    """Unredacted recordings, so only for people who may hear personal data."""

    list_display = ["id", "call_link", "version", "duration_ms", "size", "created_at"]
    # The file itself is downloaded through the API, which checks the permission.
    exclude = ["file", "redacted_file"]
