"""Users and groups in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django_otp.plugins.otp_static import admin as static_pages
from django_otp.plugins.otp_totp import admin as otp_pages

from calls.accounts.second_factor import take_factor_away
from calls.accounts.sessions import end_sessions
from calls.admin.display import NONE, Shown, pill

# The pages of django-otp show the keys themselves, which anybody could use to log in.
admin.site.unregister([User, Group, otp_pages.TOTPDevice, static_pages.StaticDevice])


class PasswordForm(AdminPasswordChangeForm):  # type: ignore[type-arg]
    """Ends the logins that the old password opened."""

    def save(self, commit: bool = True) -> User:
        with transaction.atomic():
            user: User = super().save(commit)
            end_sessions(user)
        return user


@admin.register(User)
class UserAdmin(Shown, DjangoUserAdmin):  # type: ignore[type-arg]
    change_password_form = PasswordForm
    list_display = [
        "username",
        "state",
        "full_name",
        "in_groups",
        "is_staff",
        "factor",
        "last_login",
    ]
    actions = ["remove_factor"]
    list_filter = ["is_active", "is_staff", "is_superuser", "groups"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        users: QuerySet[User] = super().get_queryset(request)
        factor = otp_pages.TOTPDevice.objects.filter(user=OuterRef("pk"), confirmed=True)
        return users.prefetch_related("groups").annotate(has_factor=Exists(factor))

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        shown = super().get_fieldsets(request, obj)
        return shown if obj is None else (*shown, ("Second factor", {"fields": ["factor"]}))

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        return [*super().get_readonly_fields(request, obj), "factor"]

    @admin.display(description="second factor", ordering="has_factor")
    def factor(self, user: User) -> SafeString:
        return pill("ok", "On") if getattr(user, "has_factor", False) else pill("off", "Off")

    @admin.action(description="Remove a lost second factor", permissions=["change"])
    def remove_factor(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """End all logins of these people. They log in with the password, and set up another one."""
        acting: Any = request.user
        for user in queryset:
            if user.is_superuser and not acting.is_superuser:
                text = f"Only superusers can remove the second factor of {user}."
                self.message_user(request, text, messages.ERROR)
            elif take_factor_away(user, by=acting):
                self.log_change(request, user, "Removed the second factor.")
                text = f"Second factor of {user} removed, and all logins of {user} ended."
                self.message_user(request, text, messages.SUCCESS)
            else:
                self.message_user(request, f"{user} has no second factor.", messages.WARNING)

    @admin.display
    def state(self, user: User) -> SafeString:
        if not user.is_active:
            return pill("off", "Inactive")
        return pill("note", "Superuser") if user.is_superuser else pill("ok", "Active")

    @admin.display(description="name", ordering="last_name")
    def full_name(self, user: User) -> str:
        return user.get_full_name() or NONE

    @admin.display(description="groups")
    def in_groups(self, user: User) -> str:
        return ", ".join(group.name for group in user.groups.all()) or NONE


@admin.register(Group)
class GroupAdmin(Shown, DjangoGroupAdmin):
    list_display = ["name", "members"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        groups: QuerySet[Group] = super().get_queryset(request)
        return groups.annotate(member_count=Count("user"))

    @admin.display(ordering="member_count")
    def members(self, group: Group) -> int:
        return int(getattr(group, "member_count", 0))
