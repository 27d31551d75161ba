"""Filters for the lists of calls and alerts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django_filters import rest_framework as filters
from django_filters.fields import IsoDateTimeField
from django_filters.widgets import BooleanWidget
from drf_spectacular.utils import extend_schema_field

from calls.annotations import AnnotationRefused, normal_tag
from calls.description import DESCRIBED
from calls.holds.selection import on_hold
from calls.lifecycle import CallState
from calls.models import (
    IS_OPEN,
    LASTED,
    Alert,
    AlertQuerySet,
    AlertRule,
    Call,
    CallQuerySet,
    FieldValue,
    Severity,
)

MAX_TAGS = 10
LONGEST_S = 30 * 86_400
LONGEST_TEXT = 512  # as an external id; SQLite reports a long pattern as an internal error
OUT_OF_RANGE = "Must be a time from year 1 to year 9999 in UTC."


class TimeField(IsoDateTimeField):  # type: ignore[misc]
    """A time in UTC. PostgreSQL takes no time that is 16 hours or more away from it."""

    def clean(self, value: Any) -> datetime | None:
        try:
            moment: datetime | None = super().clean(value)
            return moment and moment.astimezone(UTC)
        except OverflowError as error:
            raise ValidationError(OUT_OF_RANGE) from error


class TimeFilter(filters.IsoDateTimeFilter):  # type: ignore[misc]
    field_class = TimeField


class YesNoWidget(BooleanWidget):  # type: ignore[misc]
    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        found = super().value_from_datadict(data, files, name)
        return data.get(name) if found is None else found


class YesNoField(forms.NullBooleanField):
    """``true`` or ``false``, or ``1`` or ``0``. Django would ignore anything else."""

    def clean(self, value: Any) -> bool | None:
        if value not in (True, False, None, ""):
            raise ValidationError("Must be true or false.")
        found: bool | None = super().clean(value)
        return found


class YesNoFilter(filters.BooleanFilter):  # type: ignore[misc]
    field_class = YesNoField

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, widget=YesNoWidget, **kwargs)


class CallFilter(filters.FilterSet):  # type: ignore[misc]
    state = filters.MultipleChoiceFilter(choices=CallState.choices)
    customer_sentiment = filters.ChoiceFilter(choices=Call.Sentiment.choices)
    dismissed = YesNoFilter(field_name="dismissed_at", lookup_expr="isnull", exclude=True)
    customer_trend = filters.ChoiceFilter(choices=Call.Trend.choices)
    agent_sentiment = filters.ChoiceFilter(choices=Call.Sentiment.choices)
    agent_trend = filters.ChoiceFilter(choices=Call.Trend.choices)
    opened_after = TimeFilter(field_name="opened_at", lookup_expr="gte")
    opened_before = TimeFilter(field_name="opened_at", lookup_expr="lt")
    duration_min_s = filters.NumberFilter(
        method="lasting", lookup_expr="gte", min_value=0, max_value=LONGEST_S, label="seconds"
    )
    duration_max_s = filters.NumberFilter(
        method="lasting", lookup_expr="lte", min_value=0, max_value=LONGEST_S, label="seconds"
    )
    tag = filters.CharFilter(
        method="with_tags", label="Calls with this tag. If repeated: calls with all of them."
    )
    alert = filters.ChoiceFilter(
        method="alerted",
        choices=[("open", "open"), ("any", "any")],
        label="Calls with an alert. open: one that needs somebody now; any: any alert.",
    )
    field = filters.CharFilter(
        method="with_fields",
        label="Calls with this value of a custom field, as name:value. If repeated: with all.",
    )
    agent_contains = filters.CharFilter(
        field_name="agent", lookup_expr="icontains", max_length=LONGEST_TEXT
    )
    queue_contains = filters.CharFilter(
        field_name="queue", lookup_expr="icontains", max_length=LONGEST_TEXT
    )
    trouble = filters.ChoiceFilter(
        method="troubled",
        choices=[("any", "any"), *Call.SoundTrouble.choices],
        label="Calls with this trouble with the sound, or with any.",
    )
    on_hold = YesNoFilter(
        method="held", label="Calls that a legal hold keeps: their own, or one on their customer."
    )
    call_id_prefix = filters.CharFilter(
        field_name="call_id", lookup_expr="startswith", max_length=LONGEST_TEXT
    )
    external_id_prefix = filters.CharFilter(
        method="known_as",
        label="Calls whose external id starts with this.",
        max_length=LONGEST_TEXT,
    )

    class Meta:
        model = Call
        fields: ClassVar = [each.name for each in DESCRIBED if each.is_filter]

    @extend_schema_field({"type": "number", "minimum": 0, "maximum": LONGEST_S})
    def lasting(self, calls: QuerySet[Call], name: str, value: Decimal) -> QuerySet[Call]:
        """Keep calls that have ended and lasted at least or at most this long."""
        sign = {"duration_min_s": "gte", "duration_max_s": "lte"}[name]
        return calls.alias(lasted=LASTED).filter(
            **{f"lasted__{sign}": timedelta(seconds=float(value))}
        )

    def known_as(self, calls: QuerySet[Call], name: str, value: str) -> QuerySet[Call]:
        # The index covers only calls that have such an id.
        return calls.filter(external_id__startswith=value).exclude(external_id="")

    def troubled(self, calls: CallQuerySet, name: str, value: str) -> CallQuerySet:
        return calls.with_sound_trouble("" if value == "any" else value)

    def held(self, calls: QuerySet[Call], name: str, value: bool) -> QuerySet[Call]:
        return calls.filter(on_hold()) if value else calls.exclude(on_hold())

    def with_tags(self, calls: CallQuerySet, name: str, value: str) -> CallQuerySet:
        given = self.data.getlist(name) if hasattr(self.data, "getlist") else [value]
        try:
            for tag in given[:MAX_TAGS]:
                calls = calls.tagged(normal_tag(tag))
        except AnnotationRefused:
            return calls.none()  # no call can have it
        return calls

    def with_fields(self, calls: QuerySet[Call], name: str, value: str) -> QuerySet[Call]:
        given = self.data.getlist(name) if hasattr(self.data, "getlist") else [value]
        # Only the last value has been checked. PostgreSQL cannot compare a text with a NUL.
        if any("\0" in each for each in given):
            return calls.none()
        for each in given[:MAX_TAGS]:
            field, _, sought = each.partition(":")
            found = FieldValue.objects.filter(field__name=field, value=sought.strip()).order_by()
            calls = calls.filter(pk__in=found.values("call"))
        return calls

    def alerted(self, calls: QuerySet[Call], name: str, value: Any) -> QuerySet[Call]:
        alerts = Alert.objects.open() if value == "open" else Alert.objects.all()
        return calls.filter(pk__in=alerts.order_by().values("call"))


LEVELS = [(level.name.lower(), level.label) for level in reversed(Severity)]


class AlertFilter(filters.FilterSet):  # type: ignore[misc]
    state = filters.MultipleChoiceFilter(method="by_state", choices=Alert.State.choices)
    open = filters.ChoiceFilter(
        method="by_openness",
        choices=[("true", "open"), ("false", "any other state")],
        label="true: the same as state=open; false: alerts in any other state.",
    )
    severity = filters.MultipleChoiceFilter(method="by_severity", choices=LEVELS)
    kind = filters.MultipleChoiceFilter(choices=AlertRule.Kind.choices)
    rule = filters.CharFilter(field_name="name", label="The exact name of the rule.")
    agent = filters.CharFilter(field_name="call__agent")
    queue = filters.CharFilter(field_name="call__queue")
    assigned_to = filters.CharFilter(label="The username of the assignee.")
    call_id = filters.CharFilter(field_name="call__call_id")
    raised_after = TimeFilter(field_name="raised_at", lookup_expr="gte")
    raised_before = TimeFilter(field_name="raised_at", lookup_expr="lt")

    class Meta:
        model = Alert
        fields: list[str] = []

    def by_openness(self, alerts: QuerySet[Alert], name: str, value: str) -> QuerySet[Alert]:
        return alerts.filter(IS_OPEN if value == "true" else ~IS_OPEN)

    def by_state(self, alerts: AlertQuerySet, name: str, value: Any) -> AlertQuerySet:
        return alerts.in_state(*value) if value else alerts

    def by_severity(self, alerts: QuerySet[Alert], name: str, value: Any) -> QuerySet[Alert]:
        chosen = [Severity[level.upper()] for level in value]
        return alerts.filter(severity__in=chosen) if chosen else alerts
