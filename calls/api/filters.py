"""What the list of calls can be narrowed to."""

from django_filters import rest_framework as filters

from calls.annotations import Refused, normal_tag
from calls.lifecycle import CallState
from calls.models import Call, CallQuerySet


class CallFilter(filters.FilterSet):  # type: ignore[misc]
    state = filters.MultipleChoiceFilter(choices=CallState.choices)
    queue = filters.CharFilter()
    agent = filters.CharFilter()
    caller = filters.CharFilter()
    direction = filters.ChoiceFilter(choices=Call.Direction.choices)
    customer_sentiment = filters.ChoiceFilter(choices=Call.Sentiment.choices)
    dismissed = filters.BooleanFilter(field_name="dismissed_at", lookup_expr="isnull", exclude=True)
    opened_after = filters.IsoDateTimeFilter(field_name="opened_at", lookup_expr="gte")
    opened_before = filters.IsoDateTimeFilter(field_name="opened_at", lookup_expr="lt")
    call_id_prefix = filters.CharFilter(field_name="call_id", lookup_expr="startswith")

    tag = filters.CharFilter(method="with_tag", label="Calls with this tag")

    def with_tag(self, calls: CallQuerySet, name: str, value: str) -> CallQuerySet:
        try:
            return calls.tagged(normal_tag(value))
        except Refused:
            return calls.none()  # no call can have it

    class Meta:
        model = Call
        fields: list[str] = []
