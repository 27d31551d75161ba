"""API keys in the admin: create, rename, revoke."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

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

    list_display = ["name", "prefix", "scopes", "created_at", "revoked_at"]
    actions = ["revoke"]

    def has_delete_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> list[Any]:
        return ["name", "scopes", *(["prefix", "created_at", "revoked_at"] if obj else [])]

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> list[Any]:
        # Only the name of a key can change: programs rely on what it permits.
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
        # The admin goes on with this object: its log entry and its redirect need the key.
        obj.pk, obj.prefix = key.pk, key.prefix
        # The message is kept in a signed cookie of this browser, not in the database.
        note = f"The key is {plain}. Copy it now. It is not stored and cannot be shown again."
        self.message_user(request, note, messages.WARNING)

    @admin.action(description="Revoke", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        revoked = sum(revoke_key(key) for key in queryset)
        self.message_user(
            request, f"{_number(revoked, 'key')} revoked permanently.", messages.SUCCESS
        )
