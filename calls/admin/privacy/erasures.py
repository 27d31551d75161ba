"""Erasures in the admin: requested with a preview, and listed permanently."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString

from calls.admin.display import NONE, pill, show_cut
from calls.admin.lists import ReadOnly, Records
from calls.erasure.plan import Plan, make_plan
from calls.erasure.services import ERASE, ErasureRefused, check_request, start_and_queue
from calls.holds.services import HoldRefused, read_reason
from calls.models import REASON_LENGTH, Erasure
from calls.visibility import active

PREVIEWED = 10


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


class ErasureForm(forms.Form):
    """What to erase, and why."""

    numbers = forms.CharField(
        label="Numbers of customers",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="One per line, with the country code, in any spelling.",
    )
    call_ids = forms.CharField(
        label="Call ids", required=False, widget=forms.Textarea(attrs={"rows": 3}),
        help_text="One per line.",
    )  # fmt: skip
    reason = forms.CharField(
        max_length=REASON_LENGTH,
        help_text="For the ledger, which keeps it permanently: a file number, no names.",
    )

    def clean(self) -> None:
        super().clean()
        given = {name: _lines(self.cleaned_data.get(name, "")) for name in ("numbers", "call_ids")}
        try:
            read_reason(str(self.cleaned_data.get("reason", "-")))
            call_ids, numbers = check_request(**given)
        except (ErasureRefused, HoldRefused) as error:
            self.add_error(error.field if error.field in self.fields else None, str(error))
            return
        self.request = {"call_ids": call_ids, "numbers": numbers}


@admin.register(Erasure)
class ErasureAdmin(ReadOnly, Records):
    """The ledger. Nothing in it can be changed."""

    adds_by_service = True
    list_display = ["asked_at", "state", "shown_reason", "by", "shown_counts", "finished_at"]
    ordering = ("-asked_at",)
    search_fields = ("reason",)
    search_help_text = "A part of the reason."
    json_fields: ClassVar = ["counts"]
    fields: ClassVar = [
        "state",
        "reason",
        "by",
        "asked_at",
        "finished_at",
        "shown_counts",
        "digests",
    ]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # It concerns the calls of all teams, and the preview names some of them.
        return request.user.has_perm(ERASE) and active().is_all

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return list(self.fields)

    @admin.display(description="state")
    def state(self, erasure: Erasure) -> SafeString:
        if erasure.finished_at is None:
            return pill("work", "Running")
        return pill("ok", "Finished")

    @admin.display(description="reason")
    def shown_reason(self, erasure: Erasure) -> SafeString | str:
        return show_cut(erasure.reason)

    @admin.display(description="erased")
    def shown_counts(self, erasure: Erasure) -> str:
        shown = (f"{number:,} {kind}" for kind, number in erasure.counts.items())
        return ", ".join(shown) or NONE

    @admin.display(description="keyed digests")
    def digests(self, erasure: Erasure) -> str:
        calls, numbers = len(erasure.call_digests), len(erasure.number_digests)
        return f"{calls:,} of calls, {numbers:,} of numbers. Nobody can read them without the key."

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Ask for what to erase, then show what that is, then erase it."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = ErasureForm(request.POST or None)
        if request.method != "POST" or not form.is_valid():
            return self._show(request, form)
        if "confirm" not in request.POST:
            return self._show(request, form, make_plan(**form.request))
        erasure = start_and_queue(
            **form.request,
            reason=form.cleaned_data["reason"],
            by=request.user.get_username(),
        )
        if erasure.finished_at is None:
            note = "The erasure has begun. It continues in the background until nothing is left."
            messages.warning(request, note)
        else:
            messages.success(request, "Everything was erased.")
        return HttpResponseRedirect(reverse("admin:calls_erasure_change", args=[erasure.pk]))

    def _show(
        self, request: HttpRequest, form: ErasureForm, plan: Plan | None = None
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "Erase",
            "opts": self.opts,
            "form": form,
            "plan": plan,
            "held": list(plan.held.items())[:PREVIEWED] if plan else [],
            "chosen": plan.call_ids[:PREVIEWED] if plan else [],
            "is_popup": False,
        }
        return TemplateResponse(request, "admin/calls/erasure/erase.html", context)
