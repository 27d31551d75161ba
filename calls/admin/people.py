"""Agents and teams in the admin, and the field that limits a key or a display to teams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import path

from calls.admin.agent_import import show_import
from calls.admin.display import NONE, Shown
from calls.models import Agent, AgentName, Team, TeamQueue
from calls.models.people import AGENT_LENGTH, key_of, plain_name
from calls.people.agents import (
    AgentRefused,
    announce,
    find_agent,
    merge_agents,
    rename_agent,
)

if TYPE_CHECKING:
    _AgentForm = forms.ModelForm[Agent]
    _StackedInline = admin.StackedInline[TeamQueue, Team]
else:
    _AgentForm, _StackedInline = forms.ModelForm, admin.StackedInline


class AgentForm(_AgentForm):
    more_names = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=(
            "Other names of the same person, one per line. An agent that has one of them is merged "
            "into this one: its calls and teams come along."
        ),
    )

    class Meta:
        model = Agent
        fields = ("name", "user", "teams")

    def clean_more_names(self) -> list[str]:
        names = [plain_name(line) for line in self.cleaned_data["more_names"].splitlines()]
        if any(len(name) > AGENT_LENGTH for name in names):
            raise ValidationError(f"A name has at most {AGENT_LENGTH} characters.")
        return [name for name in names if key_of(name)]

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        held = AgentName.objects.filter(key__in=map(key_of, given.get("more_names") or ()))
        accounts = set(held.values_list("agent__user", flat=True)) | {
            getattr(given.get("user"), "pk", None)
        }
        if len(accounts - {None}) > 1:
            self.add_error("more_names", "These agents have different accounts. Unlink one first.")
        return given


@admin.register(Agent)
class AgentAdmin(Shown, admin.ModelAdmin):  # type: ignore[type-arg]
    form = AgentForm
    list_display = ["name", "in_teams", "also_known_as", "user", "seen_at"]
    list_filter = ["teams"]
    list_select_related = ["user"]
    search_fields = ["name", "names__spelling"]
    search_help_text = "A part of a name."
    raw_id_fields = ["user"]
    filter_horizontal = ["teams"]
    readonly_fields = ["also_known_as", "seen_at"]
    fields = ["name", "also_known_as", "more_names", "teams", "user", "seen_at"]

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.import_view)
        return [path("import/", view, name="calls_agent_import"), *super().get_urls()]

    def import_view(self, request: HttpRequest) -> HttpResponse:
        return show_import(request, site=self.admin_site, opts=self.opts)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Agent]:
        agents: QuerySet[Agent] = super().get_queryset(request)
        return agents.prefetch_related("teams", "names")

    @admin.display(description="teams")
    def in_teams(self, agent: Agent) -> str:
        return ", ".join(team.name for team in agent.teams.all()) or NONE

    @admin.display(description="also known as")
    def also_known_as(self, agent: Agent) -> str:
        # The form for a new agent has none yet.
        names = [name.spelling for name in agent.names.all()] if agent.pk else []
        return ", ".join(name for name in names if name != agent.name) or NONE

    def save_model(self, request: HttpRequest, obj: Agent, form: Any, change: bool) -> None:
        if not change:
            found = find_agent(obj.name)
            obj.pk, obj.key = found.pk, found.key
            found.user = obj.user
            found.save(update_fields=["user"])
            return
        obj.save(update_fields=["user"])
        if "name" in form.changed_data:
            try:
                rename_agent(obj, form.cleaned_data["name"])
            except AgentRefused as error:
                messages.error(request, str(error))

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        try:
            _take_over(form.instance, form.cleaned_data["more_names"])
        except AgentRefused as error:
            messages.error(request, f"The agents were not merged: {error}")
        announce()

    def delete_model(self, request: HttpRequest, obj: Agent) -> None:
        super().delete_model(request, obj)
        announce()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Agent]) -> None:
        super().delete_queryset(request, queryset)
        announce()


def _take_over(agent: Agent, names: list[str]) -> None:
    # A new name becomes an agent briefly, and is then merged like any other.
    others = [other for name in names if (other := find_agent(name)).pk != agent.pk]
    if others:
        merge_agents(agent, others)


class TeamQueueInline(_StackedInline):
    model = TeamQueue
    extra = 1


@admin.register(Team)
class TeamAdmin(Shown, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["name", "agent_count", "member_count"]
    search_fields = ["name"]
    filter_horizontal = ["members"]
    inlines = [TeamQueueInline]
    exclude = ["created_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Team]:
        teams: QuerySet[Team] = super().get_queryset(request)
        return teams.annotate(
            agents_n=Count("agents", distinct=True), members_n=Count("members", distinct=True)
        )

    @admin.display(description="agents", ordering="agents_n")
    def agent_count(self, team: Team) -> int:
        return int(getattr(team, "agents_n", 0))

    @admin.display(description="accounts", ordering="members_n")
    def member_count(self, team: Team) -> int:
        return int(getattr(team, "members_n", 0))

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        announce()

    def delete_model(self, request: HttpRequest, obj: Team) -> None:
        super().delete_model(request, obj)
        announce()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Team]) -> None:
        super().delete_queryset(request, queryset)
        announce()


class TeamsField(forms.TypedMultipleChoiceField):
    """The primary keys of teams; None: no limit. Teams that were deleted are not shown."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            choices=_teams,
            coerce=int,
            empty_value=None,
            required=False,
            label="Limited to teams",
            widget=forms.CheckboxSelectMultiple,
            **kwargs,
        )

    def has_changed(self, initial: Any, data: Any) -> bool:
        shown = {str(pk) for pk, _ in _teams()}
        return shown.intersection(map(str, initial or ())) != set(data or ())


def _teams() -> list[tuple[int, str]]:
    return list(Team.objects.order_by("name").values_list("pk", "name"))
