"""API keys in the admin: create, rename, limit, rotate, revoke."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from calls.admin.access.key_form import ApiKeyForm, RotationForm, seen_mark
from calls.admin.display import NONE, pill, show_time
from calls.admin.lists import Records, _number
from calls.keys import KeyUnchangeable, change_key, create_key, revoke_key, rotate_key
from calls.keys.services import CHANGEABLE
from calls.models import ApiKey, Team

LIMITS = ["rate_limit", "rate_burst"]
DAY = timedelta(days=1)


@admin.register(ApiKey)
class ApiKeyAdmin(Records):
    """Keys are created and revoked but never deleted, because the event log may name them."""

    form = ApiKeyForm
    change_form_template = "admin/calls/apikey/form.html"
    list_display = [
        "name", "state", "short_scopes", "shown_networks", "shown_prefix", "last_used_at",
        "expires_at",
    ]  # fmt: skip
    actions = ["revoke"]

    def has_delete_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return False

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.rotate_view)
        return [path("<int:key_id>/rotate/", view, name="calls_apikey_rotate"), *super().get_urls()]

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> list[Any]:
        if obj is None:
            return ["name", "scopes", "teams", "expires_at", "networks", *LIMITS]
        return [
            "name", "state", "shown_scopes", "shown_teams", "expires_at", "networks", *LIMITS,
            "limited", "shown_prefix", "shown_secret", "last_used", "created_at", "revoked_at",
        ]  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> list[Any]:
        # Programs rely on what a key permits, so that never changes.
        if obj is None:
            return []
        fields = super().get_readonly_fields(request, obj)
        return [
            field
            for field in fields
            if getattr(field, "__name__", field) not in CHANGEABLE or obj.revoked_at
        ]

    @admin.display
    def state(self, key: ApiKey) -> SafeString:
        now = timezone.now()
        if key.revoked_at:
            return pill("off", "Revoked")
        if key.has_expired(now):
            return pill("bad", "Expired")
        if key.expires_at and key.expires_soon(now):
            days = (key.expires_at - now) // DAY
            return pill(
                "warn", f"Expires in {_number(days, 'day')}" if days else "Expires within a day"
            )
        return pill("ok", "Active")

    @admin.display(description="permits")
    def short_scopes(self, key: ApiKey) -> SafeString:
        labels = dict(ApiKey.Scope.choices)
        known = [(labels.get(scope, scope), scope.title()) for scope in key.scopes]
        return format_html_join(", ", '<span title="{}">{}</span>', known)

    @admin.display(description="permits")
    def shown_scopes(self, key: ApiKey) -> SafeString:
        labels = dict(ApiKey.Scope.choices)
        text = ". ".join(labels.get(scope, scope) for scope in key.scopes) + "."
        return format_html('<span class="wrap">{}</span>', text)

    @admin.display(description="sees")
    def shown_teams(self, key: ApiKey) -> str:
        if key.teams is None:
            return "All calls"
        names = Team.objects.filter(pk__in=key.teams).values_list("name", flat=True)
        return ", ".join(names) or "No call: its teams were deleted"

    @admin.display(description="usable from")
    def shown_networks(self, key: ApiKey) -> SafeString:
        text = ", ".join(key.networks) or "anywhere"
        return format_html('<span class="wrap">{}</span>', text)

    @admin.display(description="starts with")
    def shown_prefix(self, key: ApiKey) -> SafeString:
        return format_html('<span class="id">cc_{}</span>', key.prefix)

    @admin.display(description="secret")
    def shown_secret(self, key: ApiKey) -> SafeString | str:
        if key.rotated_at is None:
            return "Never rotated."
        rotated = show_time(key.rotated_at)
        if key.previous_until is None or not key.has_previous(timezone.now()):
            return format_html("Rotated {}. No old secret is valid.", rotated)
        until = show_time(key.previous_until)
        return format_html("Rotated {}. The old one is valid until {}.", rotated, until)

    @admin.display(description="over the limit")
    def limited(self, key: ApiKey) -> str:
        return f"{_number(key.limited_count, 'request')} refused or delayed so far"

    @admin.display(description="last used")
    def last_used(self, key: ApiKey) -> SafeString | str:
        if key.last_used_at is None:
            return NONE
        at = show_time(key.last_used_at)
        return format_html("{} from {}", at, key.last_used_from or "an unknown address")

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.name == "scopes":
            boxes = forms.CheckboxSelectMultiple
            choices = ApiKey.Scope.choices
            return forms.MultipleChoiceField(label="Permits", choices=choices, widget=boxes)
        if db_field.name == "expires_at":
            kwargs["help_text"] = "From then on it is refused. Empty: never."
        if db_field.name == "rate_limit":
            kwargs["help_text"] = _limit_help()
            kwargs["label"] = "Requests a second"
        if db_field.name == "rate_burst":
            kwargs["help_text"] = "At once. Empty: as many as in two seconds."
            kwargs["label"] = "Burst"
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        key = self.get_object(request, object_id)
        context: dict[str, Any] = {}
        if key and not key.revoked_at and self.has_change_permission(request, key):
            context["rotation"] = RotationForm(initial={"seen": seen_mark(key)})
            context["has_previous"] = key.has_previous(timezone.now())
        context |= extra_context or {}
        return super().change_view(request, object_id, form_url, context)

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        terms = {name: getattr(obj, name) for name in CHANGEABLE}
        if change:
            change_key(obj, **terms)
            return
        key, plain = create_key(**terms, scopes=obj.scopes, teams=obj.teams)
        # The admin continues with this object: its log entry and its redirect need the key.
        obj.pk, obj.prefix = key.pk, key.prefix
        self._show(request, "The key is", plain)

    def rotate_view(self, request: HttpRequest, key_id: int) -> HttpResponse:
        """Rotate the secret of a key, and show the new one on the page of the key."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        key = ApiKey.objects.filter(pk=key_id).first()
        if key is None:
            raise Http404
        if not self.has_change_permission(request, key):
            raise PermissionDenied
        form = RotationForm(request.POST)
        if form.is_valid():
            self._rotate(request, key, form.cleaned_data)
        else:
            messages.error(request, "Choose how long the old secret stays valid.")
        return redirect(reverse("admin:calls_apikey_change", args=[key_id]))

    def _rotate(self, request: HttpRequest, key: ApiKey, wanted: dict[str, Any]) -> None:
        if wanted.pop("seen") != seen_mark(key):
            messages.error(request, "Somebody has rotated this key since you opened the page.")
            return
        try:
            with transaction.atomic():
                plain = rotate_key(key, **wanted)
                self.log_change(request, key, "Rotated the secret.")
        except KeyUnchangeable as error:
            messages.error(request, f"The key was not rotated. {error}")
            return
        self._show(request, "The new secret is", plain)

    def _show(self, request: HttpRequest, lead: str, plain: str) -> None:
        # The message is kept in a signed cookie of this browser, not in the database.
        note = format_html(
            "{} <code data-copy>{}</code> Copy it now. It is not stored and cannot be shown again.",
            lead,
            plain,
        )
        self.message_user(request, note, messages.WARNING)

    @admin.action(description="Revoke", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        revoked = sum(revoke_key(key) for key in queryset)
        self.message_user(
            request, f"{_number(revoked, 'key')} revoked permanently.", messages.SUCCESS
        )


def _limit_help() -> str:
    site = f"{settings.API_RATE_LIMIT:g} a second" if settings.API_RATE_LIMIT else "no limit"
    return (
        f"In each web process. Empty: that of the site ({site}), which does not count packets. "
        "0: no limit."
    )
