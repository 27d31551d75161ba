"""Users and groups in the admin."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from calls.admin.display import NONE, Shown, pill

admin.site.unregister([User, Group])


@admin.register(User)
class UserAdmin(Shown, DjangoUserAdmin):  # type: ignore[type-arg]
    list_display = ["username", "state", "full_name", "in_groups", "is_staff", "last_login"]
    list_filter = ["is_active", "is_staff", "is_superuser", "groups"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        users: QuerySet[User] = super().get_queryset(request)
        return users.prefetch_related("groups")

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
