"""What the list of alerts can be narrowed to."""

from typing import Any

from django.db.models import QuerySet
from django_filters import rest_framework as filters

from calls.models import Alert, AlertRule, Severity

LEVELS = [(level.name.lower(), level.label) for level in reversed(Severity)]


class AlertFilter(filters.FilterSet):  # type: ignore[misc]
    open = filters.ChoiceFilter(
        method="by_openness",
        choices=[("true", "open"), ("false", "acknowledged")],
        label="true: what nobody has acknowledged; false: what somebody has.",
    )
    severity = filters.MultipleChoiceFilter(method="by_severity", choices=LEVELS)
    kind = filters.MultipleChoiceFilter(choices=AlertRule.Kind.choices)
    rule = filters.CharFilter(field_name="name", label="The name of the rule, exactly.")
    queue = filters.CharFilter(field_name="call__queue")
    call_id = filters.CharFilter(field_name="call__call_id")
    raised_after = filters.IsoDateTimeFilter(field_name="raised_at", lookup_expr="gte")
    raised_before = filters.IsoDateTimeFilter(field_name="raised_at", lookup_expr="lt")

    class Meta:
        model = Alert
        fields: list[str] = []

    def by_openness(self, alerts: QuerySet[Alert], name: str, value: str) -> QuerySet[Alert]:
        return alerts.filter(acknowledged_at__isnull=value == "true")

    def by_severity(self, alerts: QuerySet[Alert], name: str, value: Any) -> QuerySet[Alert]:
        chosen = [Severity[level.upper()] for level in value]
        return alerts.filter(severity__in=chosen) if chosen else alerts
