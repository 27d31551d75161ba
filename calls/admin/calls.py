"""Calls in the admin: correct their description, and act on them through the services."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from calls import services
from calls.actions import DELETE, IN_ADMIN, OPERATE, REFUSALS, Action
from calls.admin.annotations import NoteInline, TagInline
from calls.admin.display import (
    NONE,
    link_to_page,
    page_of,
    show_cut,
    show_error,
    show_id,
    show_phase,
)
from calls.admin.lists import (
    ACTION_LIMIT,
    CallInline,
    ReadOnly,
    Records,
    _number,
    link_to_rows,
)
from calls.description import CHECKS, DESCRIBED
from calls.models import (
    Analysis,
    Attempt,
    Call,
    CallEvent,
    MediaConnection,
    Packet,
    Stream,
    Transcript,
)

REFUSALS_SHOWN = 10
RECORDS = {
    "packets": Packet,
    "events": CallEvent,
    "attempts": Attempt,
    "transcripts": Transcript,
    "analyses": Analysis,
}


class StreamInline(CallInline):
    model = Stream
    verbose_name_plural = f"streams (the newest {CallInline.limit})"
    fields = [*Stream.SHOWN, "packets"]

    @admin.display(description="packets")
    def packets(self, stream: Stream) -> SafeString:
        return link_to_rows(Packet, "list", {"stream__id__exact": stream.pk})


class ConnectionInline(CallInline):
    model = MediaConnection
    verbose_name_plural = "connections of carriers"
    fields = ["name", "stream", "owner", "opened_at", "alive_until", "ended"]


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


def _in_admin(action: Action) -> Callable[..., TemplateResponse | None]:
    permission = "remove" if action.removes else "operate"

    @admin.action(description=action.admin_label, permissions=[permission])
    def act(
        model_admin: CallAdmin, request: HttpRequest, queryset: QuerySet[Call]
    ) -> TemplateResponse | None:
        if action.removes and request.POST.get("confirmed") != "yes":
            return model_admin.ask(request, queryset, action)
        model_admin.act(request, queryset, action)
        return None

    # The admin names its actions after their functions, and refuses two of the same name.
    act.__name__ = action.name
    return act


def _validate(check: Callable[[str], object], value: str) -> None:
    try:
        check(value)
    except ValueError as error:
        raise ValidationError(str(error)) from error


class DismissedFilter(admin.SimpleListFilter):
    title = parameter_name = "dismissed"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", "Needs attention"), ("yes", "Dismissed")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Call]) -> QuerySet[Call]:
        if self.value() not in ("no", "yes"):
            return queryset
        return queryset.filter(dismissed_at__isnull=self.value() == "no")


@admin.register(Call)
class CallAdmin(ReadOnly, Records):
    """The parties, queue and direction can be corrected. Everything else goes through services."""

    call_path = ""
    editable: ClassVar = [each.name for each in DESCRIBED if each.is_editable]
    list_display = [
        "shown_id",
        "phase",
        "error",
        "shown_queue",
        "shown_agent",
        "opened_at",
        "packets",
        "missing",
        "sentiment",
        "page",
    ]
    list_filter = [
        "state",
        DismissedFilter,
        "end_reason",
        "customer_sentiment",
    ]
    search_fields = (
        "call_id__startswith",
        "external_id__startswith",
        "queue__exact",
        "agent__exact",
    )
    search_help_text = (
        "The start of a call id or an external id, or the full name of a queue or an agent."
    )
    inlines = [TagInline, NoteInline, StreamInline, ConnectionInline, AttemptInline]
    actions = [_in_admin(action) for action in IN_ADMIN]

    def has_change_permission(self, request: HttpRequest, obj: Call | None = None) -> bool:
        return admin.ModelAdmin.has_change_permission(self, request, obj)

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(OPERATE)

    def has_remove_permission(self, request: HttpRequest) -> bool:
        # Not has_delete_permission: with it, Django would delete calls by itself.
        return request.user.has_perm(DELETE)

    def get_fields(self, request: HttpRequest, obj: Call | None = None) -> list[Any]:
        return ["phase", "records", *super().get_fields(request, obj)]

    def get_readonly_fields(self, request: HttpRequest, obj: Call | None = None) -> list[Any]:
        fields = super().get_readonly_fields(request, obj)
        return [name for name in fields if name not in self.editable]

    def get_fieldsets(self, request: HttpRequest, obj: Call | None = None) -> Any:
        ((_, options),) = super().get_fieldsets(request, obj)
        left = {getattr(field, "__name__", field): field for field in options["fields"]}
        parts = [
            (title, {"fields": [left.pop(name) for name in names if name in left]})
            for title, names in self._parts().items()
        ]
        technical = {"fields": list(left.values()), "classes": ["collapse"]}
        return [*parts, ("Technical", technical)]

    def _parts(self) -> dict[str | None, list[str]]:
        """Return the fields in parts. Fields that are not listed here are technical."""
        return {
            None: ["phase", "last_error", "next_attempt_at", "dismissed_at", "records"],
            "Who": self.editable,
            "When": ["opened_at", "last_packet_at", "ended_at", "end_reason", "duration"],
            "Packets": ["packet_count", "missing_count", "late_count", "duplicate_count"],
            "Result": [
                "customer_sentiment",
                "customer_trend",
                "agent_sentiment",
                "agent_trend",
            ],
        }

    def view_on_site(self, call: Call) -> str:
        return page_of(call)

    @admin.display(description="call", ordering="call_id")
    def shown_id(self, call: Call) -> SafeString:
        return show_id(call.call_id)

    @admin.display(description="state")
    def phase(self, call: Call) -> SafeString:
        return show_phase(call)

    @admin.display
    def error(self, call: Call) -> SafeString | str:
        return show_error(call.last_error)

    @admin.display(description="queue")
    def shown_queue(self, call: Call) -> SafeString | str:
        return show_cut(call.queue, short=True)

    @admin.display(description="agent")
    def shown_agent(self, call: Call) -> SafeString | str:
        return show_cut(call.agent, short=True)

    @admin.display(ordering="customer_sentiment")
    def sentiment(self, call: Call) -> str:
        return call.get_customer_sentiment_display() or NONE

    @admin.display
    def packets(self, call: Call) -> str:
        return f"{call.packet_count:,}"

    @admin.display
    def missing(self, call: Call) -> str:
        return f"{call.missing_count:,}" if call.missing_count else NONE

    @admin.display
    def page(self, call: Call) -> SafeString:
        return link_to_page(page_of(call), call.call_id)

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field and db_field.name in CHECKS:
            field.validators.append(partial(_validate, CHECKS[db_field.name]))
        return field

    @admin.display(description="related records")
    def records(self, call: Call) -> SafeString:
        query = {"q": call.call_id}
        links = [(link_to_rows(model, text, query),) for text, model in RECORDS.items()]
        return format_html_join(" · ", "{}", links)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Call], search_term: str
    ) -> tuple[QuerySet[Call], bool]:
        term = search_term.strip()
        external = Q(external_id__startswith=term) & ~Q(external_id="")
        found = Q(call_id__startswith=term) | external | Q(queue=term) | Q(agent=term)
        # As one term: Django would split it at spaces, but names of queues have some.
        return (queryset.filter(found) if term else queryset), False

    def save_model(self, request: HttpRequest, obj: Call, form: Any, change: bool) -> None:
        # Only what was changed: packets update other columns of the row meanwhile.
        described = {name: form.cleaned_data[name] for name in form.changed_data}
        services.describe_call(call_id=obj.call_id, **described)

    def ask(
        self, request: HttpRequest, queryset: QuerySet[Call], action: Action
    ) -> TemplateResponse:
        """Name the calls, and ask before an action that cannot be undone."""
        calls = list(queryset.values_list("pk", "call_id")[: ACTION_LIMIT + 1])
        chosen = calls[:ACTION_LIMIT]
        context = {
            **self.admin_site.each_context(request),
            "title": f"Delete {_number(len(chosen), 'call')} for good?",
            "opts": self.opts,
            "action": action,
            "chosen": [pk for pk, _ in chosen],
            "shown": [call_id for _, call_id in chosen[:REFUSALS_SHOWN]],
            "more": max(0, len(chosen) - REFUSALS_SHOWN),
        }
        return TemplateResponse(request, "admin/calls/call/confirm.html", context)

    def act(self, request: HttpRequest, queryset: QuerySet[Call], action: Action) -> None:
        """Carry an action out for each call. A call that refuses does not stop the others."""
        refused = []
        # One more, to tell whether any are left. "Select all" may mean the whole archive.
        call_ids = list(queryset.values_list("call_id", flat=True)[: ACTION_LIMIT + 1])
        chosen = call_ids[:ACTION_LIMIT]
        for call_id in chosen:
            try:
                action.run(call_id=call_id, by=request.user.get_username())
            except REFUSALS as error:
                refused.append(f"{call_id}: {error}")
        self._tell(request, action.past, worked=len(chosen) - len(refused), refused=refused)
        if len(call_ids) > len(chosen):
            note = f"Only the first {ACTION_LIMIT} calls were processed. Please repeat it."
            self.message_user(request, note, messages.WARNING)

    def _tell(self, request: HttpRequest, done: str, *, worked: int, refused: list[str]) -> None:
        if worked:
            self.message_user(request, f"{_number(worked, 'call')} {done}.", messages.SUCCESS)
        if refused:
            reasons = [*refused[:REFUSALS_SHOWN], *["..."][: len(refused) - REFUSALS_SHOWN]]
            text = f"{_number(len(refused), 'call')} could not be {done}. {' '.join(reasons)}"
            self.message_user(request, text, messages.WARNING)
