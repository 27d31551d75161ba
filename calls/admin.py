"""The Django admin: for looking at what is stored, and for acting on it through the services."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any, get_args

from django import forms
from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.db.models.functions import Left
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from calls import events, services
from calls.admin_annotations import NoteInline, TagInline
from calls.admin_lists import (
    CallInline,
    CallRecords,
    NarrowedFilter,
    PersonalData,
    ReadOnly,
    Records,
    is_narrowed,
    link_to_call,
    link_to_rows,
)
from calls.api.keys import create_key, revoke_key
from calls.models import (
    Analysis,
    ApiKey,
    Attempt,
    Call,
    CallEvent,
    Packet,
    Recording,
    Stream,
    Transcript,
)

ACTION_LIMIT = 1_000
REFUSALS_SHOWN = 10
EXCERPT_LENGTH = 80
STREAMS_SEARCHED = 1_000
RECORDS = {
    "packets": Packet,
    "events": CallEvent,
    "attempts": Attempt,
    "transcripts": Transcript,
    "analyses": Analysis,
}


class EventTypeFilter(NarrowedFilter):
    title = parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        types = [payload.type for payload in get_args(events.Payload)]
        return [(name, name) for name in types] if is_narrowed(request) else []


class LatePacketFilter(NarrowedFilter):
    title = parameter_name = "late"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("True", "Late"), ("False", "In time")] if is_narrowed(request) else []

    def value(self) -> str | None:
        value = super().value()
        return value if value in ("True", "False") else None


class StreamInline(CallInline):
    model = Stream
    verbose_name_plural = f"streams (the newest {CallInline.limit})"
    fields = [
        "name",
        "media",
        "opened_at",
        "packet_count",
        "first_sequence",
        "last_sequence",
        "missing_count",
        "late_count",
        "duplicate_count",
        "reordered_count",
        "frame_count",
        "missing_frames",
        "repeated_frames",
        "reordered_frames",
        "malformed_frames",
        "packets",
    ]

    @admin.display(description="packets")
    def packets(self, stream: Stream) -> SafeString:
        return link_to_rows(Packet, "list", {"stream__id__exact": stream.pk})


class AttemptInline(CallInline):
    model = Attempt
    verbose_name_plural = f"attempts (the newest {CallInline.limit})"
    fields = [
        "round",
        "stage",
        "number",
        "provider",
        "outcome",
        "code",
        "error",
        "started_at",
        "duration_ms",
        "retry_at",
        "request_id",
    ]


@admin.register(Call)
class CallAdmin(ReadOnly, Records):
    """Who calls whom may be corrected; everything else moves through the services."""

    editable = ["agent", "caller", "callee", "queue", "direction"]
    list_display = [
        "call_id",
        "state",
        "queue",
        "agent",
        "opened_at",
        "ended_at",
        "packet_count",
        "missing_count",
        "late_count",
        "next_attempt_at",
        "customer_sentiment",
    ]
    list_filter = [
        "state",
        ("dismissed_at", admin.EmptyFieldListFilter),
        "end_reason",
        "customer_sentiment",
    ]
    search_fields = (
        "call_id__startswith",
        "queue__exact",
        "agent__exact",
    )
    search_help_text = "The beginning of a call id, or the full name of a queue or an agent."
    inlines = [TagInline, NoteInline, StreamInline, AttemptInline]
    actions = ["end", "retry", "dismiss", "reanalyse"]

    def has_change_permission(self, request: HttpRequest, obj: Call | None = None) -> bool:
        return admin.ModelAdmin.has_change_permission(self, request, obj)

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("calls.operate_call")

    def get_fields(self, request: HttpRequest, obj: Call | None = None) -> list[Any]:
        return ["records", *super().get_fields(request, obj)]

    def get_readonly_fields(self, request: HttpRequest, obj: Call | None = None) -> list[Any]:
        fields = super().get_readonly_fields(request, obj)
        return [name for name in fields if name not in self.editable]

    @admin.display(description="see its")
    def records(self, call: Call) -> SafeString:
        query = {"q": call.call_id}
        links = [(link_to_rows(model, text, query),) for text, model in RECORDS.items()]
        return format_html_join(" · ", "{}", links)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Call], search_term: str
    ) -> tuple[QuerySet[Call], bool]:
        term = search_term.strip()
        found = Q(call_id__startswith=term) | Q(queue=term) | Q(agent=term)
        return (queryset.filter(found) if term else queryset), False

    def save_model(self, request: HttpRequest, obj: Call, form: Any, change: bool) -> None:
        described = {name: form.cleaned_data[name] for name in form.changed_data}
        services.describe_call(call_id=obj.call_id, **described)

    @admin.action(description="End", permissions=["operate"])
    def end(self, request: HttpRequest, queryset: QuerySet[Call]) -> None:
        service = partial(services.end_call, reason=Call.EndReason.OPERATOR)
        self._act(request, queryset, service, "ended")

    @admin.action(description="Retry (failed calls)", permissions=["operate"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Call]) -> None:
        self._act(request, queryset, services.retry_call, "retried")

    @admin.action(description="Dismiss (failed calls)", permissions=["operate"])
    def dismiss(self, request: HttpRequest, queryset: QuerySet[Call]) -> None:
        self._act(request, queryset, services.dismiss_call, "dismissed")

    @admin.action(description="Analyse anew (archived calls)", permissions=["operate"])
    def reanalyse(self, request: HttpRequest, queryset: QuerySet[Call]) -> None:
        self._act(request, queryset, services.reanalyse_call, "reanalysed")

    def _act(
        self,
        request: HttpRequest,
        queryset: QuerySet[Call],
        service: Callable[..., Call],
        done: str,
    ) -> None:
        """Call a service for each call: what one refuses does not undo the others."""
        refused = []
        call_ids = list(queryset.values_list("call_id", flat=True)[: ACTION_LIMIT + 1])
        chosen = call_ids[:ACTION_LIMIT]
        for call_id in chosen:
            try:
                service(call_id=call_id, by=request.user.get_username())
            except (services.NotPossible, services.CallNotFound) as error:
                refused.append(f"{call_id}: {error}")
        self._tell(request, done, worked=len(chosen) - len(refused), refused=refused)
        if len(call_ids) > len(chosen):
            note = f"Only the first {ACTION_LIMIT} calls were looked at: please repeat it."
            self.message_user(request, note, messages.WARNING)

    def _tell(self, request: HttpRequest, done: str, *, worked: int, refused: list[str]) -> None:
        if worked:
            self.message_user(request, f"{_number(worked, 'call')} {done}.", messages.SUCCESS)
        if refused:
            reasons = [*refused[:REFUSALS_SHOWN], *["..."][: len(refused) - REFUSALS_SHOWN]]
            text = f"{_number(len(refused), 'call')} could not be {done}. {' '.join(reasons)}"
            self.message_user(request, text, messages.WARNING)


def _number(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


@admin.register(Packet)
class PacketAdmin(PersonalData, CallRecords):
    list_display = [
        "id",
        "call_link",
        "stream",
        "sequence",
        "track",
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
        return packets.defer("data").annotate(beginning=beginning)

    def get_ordering(self, request: HttpRequest) -> Any:
        # Along the index that leads to the packets of a stream; the newest of all otherwise.
        return ["stream_id", "sequence"] if is_narrowed(request) else ["-id"]

    @admin.display(description="call")
    def call_link(self, row: Packet) -> SafeString | str:
        return link_to_call(row.stream.call)

    @admin.display(description="data")
    def excerpt(self, row: Any) -> str:
        return Truncator(row.beginning).chars(EXCERPT_LENGTH)

    def of_call(self, queryset: QuerySet[Any], calls: list[Call]) -> QuerySet[Any]:
        streams = Stream.objects.filter(call__in=calls).order_by("pk")
        return queryset.filter(stream__in=list(streams[:STREAMS_SEARCHED]))


@admin.register(CallEvent)
class CallEventAdmin(CallRecords):
    list_display = ["id", "at", "call_link", "type", "state", "summary"]
    list_filter = [EventTypeFilter]
    json_fields = ["data"]

    @admin.display(description="data")
    def summary(self, event: CallEvent) -> str:
        return Truncator(json.dumps(event.data, ensure_ascii=False)).chars(2 * EXCERPT_LENGTH)


@admin.register(Attempt)
class AttemptAdmin(CallRecords):
    list_display = [
        "id",
        "call_link",
        "round",
        "stage",
        "number",
        "provider",
        "outcome",
        "code",
        "started_at",
        "duration_ms",
        "retry_at",
    ]
    list_filter = ["outcome", "stage"]


@admin.register(Transcript)
class TranscriptAdmin(PersonalData, CallRecords):
    list_display = ["id", "call_link", "version", "duration_ms", "created_at"]
    json_fields = ["turns", "speech", "skipped", "provenance"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Transcript]:
        return super().get_queryset(request).defer("turns", "speech")


@admin.register(Analysis)
class AnalysisAdmin(CallRecords):
    list_display = ["id", "call_link", "version", "created_at", "excerpt"]
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
    def excerpt(self, row: Analysis) -> str:
        return Truncator(row.summary).chars(EXCERPT_LENGTH)


@admin.register(Recording)
class RecordingAdmin(PersonalData, CallRecords):
    """The file as it was heard, so only for those who may hear personal data."""

    list_display = ["id", "call_link", "version", "duration_ms", "size", "created_at"]
    # The file itself is fetched over the API, which asks who may hear it.
    exclude = ["file", "redacted_file"]


@admin.register(ApiKey)
class ApiKeyAdmin(Records):
    """Keys are made and revoked, and never deleted: the event log may speak of them."""

    list_display = ["name", "prefix", "scopes", "created_at", "revoked_at"]
    actions = ["revoke"]

    def has_delete_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> list[Any]:
        return ["name", "scopes", *(["prefix", "created_at", "revoked_at"] if obj else [])]

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> list[Any]:
        return self.get_fields(request, obj)[1:] if obj else []

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.name == "scopes":
            boxes = forms.CheckboxSelectMultiple
            return forms.MultipleChoiceField(choices=ApiKey.Scope.choices, widget=boxes)
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        if change:
            obj.save(update_fields=["name"])
            return
        key, plain = create_key(name=obj.name, scopes=obj.scopes)
        obj.pk, obj.prefix = key.pk, key.prefix
        # A message waits in a signed cookie of this browser, and not in the database.
        note = f"The key is {plain}. Copy it now: it is not stored and cannot be shown again."
        self.message_user(request, note, messages.WARNING)

    @admin.action(description="Revoke", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        revoked = sum(revoke_key(key) for key in queryset)
        self.message_user(
            request, f"{_number(revoked, 'key')} revoked, for good.", messages.SUCCESS
        )


from calls import admin_alerts, admin_analysis, admin_bulk, admin_insights  # noqa: E402, F401 (they register their own)
