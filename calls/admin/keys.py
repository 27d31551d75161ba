"""API keys in the admin: create, rename, revoke."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from calls.admin.display import pill
from calls.admin.lists import (
    Records,
    _number,
)
from calls.keys import create_key, revoke_key
from calls.models import (
    ApiKey,
)


@admin.register(ApiKey)
class ApiKeyAdmin(Records):
    """Keys are created and revoked but never deleted, because the event log may name them."""

    list_display = ["name", "state", "shown_scopes", "shown_prefix", "created_at", "revoked_at"]
    actions = ["revoke"]

    def has_delete_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> list[Any]:
        if obj is None:
            return ["name", "scopes"]
        return ["name", "state", "shown_scopes", "shown_prefix", "created_at", "revoked_at"]

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> list[Any]:
        # Only the name of a key can change: programs rely on what it permits.
        return super().get_readonly_fields(request, obj)[1:] if obj else []

    @admin.display
    def state(self, key: ApiKey) -> SafeString:
        return pill("off", "Revoked") if key.revoked_at else pill("ok", "Active")

    @admin.display(description="permits")
    def shown_scopes(self, key: ApiKey) -> SafeString:
        labels = dict(ApiKey.Scope.choices)
        text = ". ".join(labels.get(scope, scope) for scope in key.scopes) + "."
        return format_html('<span class="wrap">{}</span>', text)

    @admin.display(description="starts with")
    def shown_prefix(self, key: ApiKey) -> SafeString:
        return format_html('<span class="id">cc_{}</span>', key.prefix)

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.name == "scopes":
            boxes = forms.CheckboxSelectMultiple
            choices = ApiKey.Scope.choices
            return forms.MultipleChoiceField(label="Permits", choices=choices, widget=boxes)
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        if change:
            obj.save(update_fields=["name"])
            return
        key, plain = create_key(name=obj.name, scopes=obj.scopes)
        # The admin goes on with this object: its log entry and its redirect need the key.
        obj.pk, obj.prefix = key.pk, key.prefix
        # The message is kept in a signed cookie of this browser, not in the database.
        note = format_html(
            "The key is <code data-copy>{}</code> "
            "Copy it now. It is not stored and cannot be shown again.",
            plain,
        )
        self.message_user(request, note, messages.WARNING)

    @admin.action(description="Revoke", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        revoked = sum(revoke_key(key) for key in queryset)
        self.message_user(
            request, f"{_number(revoked, 'key')} revoked permanently.", messages.SUCCESS
        )
