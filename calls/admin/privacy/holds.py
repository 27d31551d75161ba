"""Legal holds in the admin: set on a call or on a customer, and released. Never changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from calls.admin.display import NONE, link_to_call, pill, show_cut
from calls.admin.lists import Records, _number
from calls.holds.customers import normal_number
from calls.holds.services import (
    HOLD,
    HoldRefused,
    NotHeld,
    hold_customer,
    read_number,
    read_reason,
    release,
    set_hold,
)
from calls.models import REASON_LENGTH, Call, LegalHold
from calls.visibility import in_sight

if TYPE_CHECKING:
    _HoldForm = forms.ModelForm[LegalHold]
else:
    _HoldForm = forms.ModelForm


class HoldForm(_HoldForm):
    """Takes a call or the number of a customer."""

    held_call = forms.CharField(
        label="Call id", required=False, max_length=128, help_text="To keep one call."
    )
    held_number = forms.CharField(
        label="Customer",
        required=False,
        max_length=200,
        help_text=(
            "To keep every call of a customer, including future ones: the number, in any spelling "
            "with its country code."
        ),
    )
    reason = forms.CharField(
        max_length=REASON_LENGTH,
        help_text="Such as a file number. Everybody who sees the call sees it.",
    )

    class Meta:
        model = LegalHold
        fields: ClassVar[list[str]] = ["reason"]

    def clean_held_call(self) -> str:
        call_id = str(self.cleaned_data["held_call"]).strip()
        if call_id and not in_sight(Call.objects.filter(call_id=call_id)).exists():
            raise ValidationError(f"There is no call {call_id}.")
        return call_id

    def clean_held_number(self) -> str:
        number = str(self.cleaned_data["held_number"]).strip()
        return _checked(read_number, number) if number else ""

    def clean_reason(self) -> str:
        return _checked(read_reason, str(self.cleaned_data["reason"]))

    def clean(self) -> None:
        super().clean()
        if self.errors:
            return
        if bool(self.cleaned_data["held_call"]) == bool(self.cleaned_data["held_number"]):
            raise ValidationError("Name either a call or a customer.")


def _checked(read: Any, text: str) -> str:
    try:
        return str(read(text))
    except HoldRefused as error:
        raise ValidationError(str(error)) from error


class ActiveFilter(admin.SimpleListFilter):
    title, parameter_name = "state", "active"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("1", "Active"), ("0", "Released")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[LegalHold]) -> QuerySet[LegalHold]:
        if self.value() not in ("0", "1"):
            return queryset
        return queryset.filter(released_at__isnull=self.value() == "1")


@admin.register(LegalHold)
class LegalHoldAdmin(Records):
    """People who may hold calls may set and release holds. The record of a hold stays."""

    adds_by_service = True
    call_path = "call__"  # a hold of a customer is for those who see the calls of all teams
    list_display = [
        "__str__", "state", "what", "shown_reason", "set_at", "set_by", "released_at",
        "released_by",
    ]  # fmt: skip
    list_filter = [ActiveFilter]
    list_select_related = ("call",)
    search_fields = ("call__call_id__exact", "number__exact")
    search_help_text = "The exact id of a call, or the number of a customer."
    actions = ["release"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(HOLD)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_hold_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(HOLD)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if obj is None:
            kwargs["form"] = HoldForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        if obj is None:
            return ["held_call", "held_number", "reason"]
        return ["what", "reason", "set_at", "set_by", "released_at", "released_by"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [] if obj is None else super().get_readonly_fields(request, obj)

    @admin.display(description="state")
    def state(self, hold: LegalHold) -> SafeString:
        return pill("off", "Released") if hold.released_at else pill("ok", "Active")

    @admin.display(description="keeps")
    def what(self, hold: LegalHold) -> SafeString | str:
        if hold.call is not None:
            return link_to_call(hold.call)
        return f"every call of {hold.number}" if hold.number else NONE

    @admin.display(description="reason")
    def shown_reason(self, hold: LegalHold) -> SafeString | str:
        return show_cut(hold.reason)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not (term := search_term.strip()):
            return queryset, False
        of_call = queryset.filter(call__call_id=term)
        return (of_call if of_call.exists() else queryset.filter(number=normal_number(term))), False

    def save_model(self, request: HttpRequest, obj: LegalHold, form: Any, change: bool) -> None:
        given, by = form.cleaned_data, request.user.get_username()
        if given["held_call"]:
            hold = set_hold(call_id=given["held_call"], reason=given["reason"], by=by)
        else:
            hold = hold_customer(number=given["held_number"], reason=given["reason"], by=by)
        # The admin continues with this object: its log entry and its redirect need the key.
        obj.pk, obj.call, obj.number = hold.pk, hold.call, hold.number

    @admin.action(description="Release", permissions=["hold"])
    def release(self, request: HttpRequest, queryset: QuerySet[LegalHold]) -> None:
        released = 0
        for hold in queryset.select_related("call"):
            try:
                release(hold, by=request.user.get_username())
            except NotHeld:
                continue
            released += 1
        note = f"{_number(released, 'hold')} released. The calls can be deleted again."
        self.message_user(request, note, messages.SUCCESS)
