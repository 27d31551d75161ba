"""What the list of calls can be narrowed to."""

from django_filters import rest_framework as filters

from calls.lifecycle import CallState
from calls.models import Call


class CallFilter(filters.FilterSet):  # type: ignore[misc]
    state = filters.MultipleChoiceFilter(choices=CallState.choices)
    queue = filters.CharFilter()
    agent = filters.CharFilter()
    caller = filters.CharFilter()
    direction = filters.ChoiceFilter(choices=Call.Direction.choices)
    customer_sentiment = filters.ChoiceFilter(choices=Call.Sentiment.choices)
    opened_after = filters.IsoDateTimeFilter(field_name="opened_at", lookup_expr="gte")
    opened_before = filters.IsoDateTimeFilter(field_name="opened_at", lookup_expr="lt")
    call_id_prefix = filters.CharFilter(field_name="call_id", lookup_expr="startswith")

    class Meta:
        model = Call
        fields: list[str] = []
