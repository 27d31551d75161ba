"""Wall screens in the admin: displays with their addresses, and the limits of the tiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from calls.admin.audited import Audited
from calls.admin.lists import Records, _number
from calls.admin.people import TeamsField
from calls.displays import create_display, revoke_display
from calls.models import DisplayScreen, QueueThreshold, WallPage

if TYPE_CHECKING:
    _DisplayForm = forms.ModelForm[DisplayScreen]
    _ModelAdmin = admin.ModelAdmin[QueueThreshold]
else:
    _DisplayForm, _ModelAdmin = forms.ModelForm, admin.ModelAdmin
SETTINGS = ["name", "pages", "queues", "teams", "rotation_s", "customers", "last_words", "theme"]
HISTORY = ["created_at", "created_by", "seen_at", "revoked_at"]


class DisplayForm(_DisplayForm):
    pages = forms.MultipleChoiceField(
        choices=WallPage.choices,
        initial=WallPage.values,
        widget=forms.CheckboxSelectMultiple,
        help_text="They are shown in this order, in turn.",
    )
    queues = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="One queue per line, exactly as calls name it; empty: all queues.",
    )

    teams = TeamsField(
        help_text="The display shows the calls of these teams only. None: all calls."
    )

    class Meta:
        model = DisplayScreen
        fields = SETTINGS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "queues" in self.fields:
            self.initial["queues"] = "\n".join(self.instance.queues)

    def clean_teams(self) -> list[int] | None:
        # If its teams were deleted, it shows nothing until somebody chooses others.
        chosen: list[int] | None = self.cleaned_data["teams"]
        return chosen if "teams" in self.changed_data else self.instance.teams

    def clean_queues(self) -> list[str]:
        lines = (line.strip() for line in self.cleaned_data["queues"].splitlines())
        return list(dict.fromkeys(line for line in lines if line))


@admin.register(DisplayScreen)
class DisplayScreenAdmin(Records):
    """Displays are created and revoked. Their settings may change: a screen follows within 30 s."""

    form = DisplayForm
    adds_by_service = True
    list_display = ["name", "pages", "queues", "seen_at", "created_at", "created_by", "revoked_at"]
    actions = ["revoke"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [*SETTINGS, *(HISTORY if obj else [])]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return HISTORY if obj else []

    def save_model(self, request: HttpRequest, obj: DisplayScreen, form: Any, change: bool) -> None:
        if change:
            obj.save(update_fields=SETTINGS)
            return
        fields = {name: getattr(obj, name) for name in SETTINGS}
        screen, token = create_display(by=request.user.get_username(), **fields)
        # The admin continues with this object: its log entry and its redirect need the key.
        obj.pk = screen.pk
        address = request.build_absolute_uri(reverse("open-display", args=[token]))
        # The message is kept in a signed cookie of this browser, not in the database.
        note = (
            f"Open this address on the display: {address} Copy it now. It is not stored and cannot "
            "be shown again."
        )
        self.message_user(request, note, messages.WARNING)

    @admin.action(description="Revoke", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[DisplayScreen]) -> None:
        by = request.user.get_username()
        revoked = sum(revoke_display(screen, by=by) for screen in queryset)
        note = (
            f"{_number(revoked, 'display')} revoked permanently. Open screens go dark within 30 s."
        )
        self.message_user(request, note, messages.SUCCESS)


def _pair(label: str, measure: str) -> Any:
    return label, {"fields": [(f"{measure}_amber", f"{measure}_red")]}


@admin.register(QueueThreshold)
class QueueThresholdAdmin(Audited, _ModelAdmin):
    """The values from which the tiles of a queue turn amber or red."""

    list_display = ["__str__", "longest", "negative", "negative_share", "alerts", "waiting"]
    search_fields = ["queue"]
    fieldsets = [
        (
            None,
            {
                "fields": ["queue"],
                "description": (
                    "A tile of the wall screen turns amber or red at these values. If both limits "
                    "of a measure are empty, the default ones apply."
                ),
            },
        ),
        _pair("Longest live call", "longest"),
        _pair("Negative live calls", "negative"),
        _pair("Negative share of the live calls, if there are at least 5", "negative_share"),
        _pair("Open alerts", "alerts"),
        _pair("Calls waiting for AI", "waiting"),
    ]

    @admin.display(description="longest call (min)")
    def longest(self, row: QueueThreshold) -> str:
        return _limits(row, "longest")

    @admin.display(description="negative calls")
    def negative(self, row: QueueThreshold) -> str:
        return _limits(row, "negative")

    @admin.display(description="negative share (%)")
    def negative_share(self, row: QueueThreshold) -> str:
        return _limits(row, "negative_share")

    @admin.display(description="open alerts")
    def alerts(self, row: QueueThreshold) -> str:
        return _limits(row, "alerts")

    @admin.display(description="waiting for AI")
    def waiting(self, row: QueueThreshold) -> str:
        return _limits(row, "waiting")


def _limits(row: QueueThreshold, measure: str) -> str:
    amber, red = row.limits(measure)
    if amber is None and red is None:
        return "-"
    return f"{'-' if amber is None else amber} / {'-' if red is None else red}"
