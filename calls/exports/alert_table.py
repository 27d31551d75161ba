"""Lists of alerts as CSV: the fields of the API, one alert per line."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Case, CharField, F, QuerySet, Value, When

from calls.exports.table import write_rows
from calls.models import Alert, Severity

_LEVEL = Case(
    *(When(severity=level, then=Value(level.name.lower())) for level in Severity),
    output_field=CharField(),
)
# The same as ``Alert.state``, the first that applies.
_STATE = Case(
    When(acknowledged_at__isnull=False, then=Value(str(Alert.State.ACKNOWLEDGED))),
    When(resolved_at__isnull=False, then=Value(str(Alert.State.RESOLVED))),
    When(snoozed_until__isnull=False, then=Value(str(Alert.State.SNOOZED))),
    default=Value(str(Alert.State.OPEN)),
    output_field=CharField(),
)
COLUMNS = {
    "alert": F("id"),
    "call_id": F("call__call_id"),
    "agent": F("call__agent"),
    "queue": F("call__queue"),
    "state": _STATE,
    "rule": F("name"),
    "kind": F("kind"),
    "severity": _LEVEL,
    "found": F("found"),
    "quote": F("quote"),
    "speaker": F("speaker"),
    "offset_ms": F("offset_ms"),
    "raised_at": F("raised_at"),
    "assigned_to": F("assigned_to"),
    "snoozed_until": F("snoozed_until"),
    "acknowledged_at": F("acknowledged_at"),
    "acknowledged_by": F("acknowledged_by"),
    "note": F("note"),
    "resolved_at": F("resolved_at"),
    "resolved_reason": F("resolved_reason"),
}


def export(alerts: QuerySet[Alert]) -> Iterator[bytes]:
    """Yield the header, then blocks of alerts, newest first."""
    # Prefixed, because an annotation must not have the name of a field.
    named = {f"cell_{name}": column for name, column in COLUMNS.items()}
    # `write_rows` sorts by key.
    rows = alerts.order_by().values_list("pk").annotate(**named)
    return write_rows(rows, COLUMNS)
