"""The form of an alert rule: lists of known names, and rows for conditions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.contrib.admin.widgets import FilteredSelectMultiple
from django.db import models
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString

from calls.alerts.definition import MAX_CONDITIONS, RULE_FIELDS
from calls.alerts.kinds import CONDITION_KINDS, KINDS
from calls.alerts.kinds.base import LimitKind
from calls.models import AlertRule, Call

FIELDS_OF_KINDS = list(dict.fromkeys(name for kind in KINDS.values() for name in kind.fields))
LABELS = {str(value): str(label) for value, label in AlertRule.Kind.choices}
# Offer names from this many newest calls: a DISTINCT over all calls would read all of them.
NAMES_FROM, NAMES_LIMIT = 2_000, 500


def known_names(field: str, chosen: Sequence[str] = ()) -> list[str]:
    """Return the queues or agents of the newest calls, and those that are already chosen."""
    newest = Call.objects.order_by("-id").values_list(field, flat=True)[:NAMES_FROM]
    known = sorted({*newest} - {""}, key=str.casefold)[:NAMES_LIMIT]
    return [*(name for name in chosen if name not in known), *known]


def fields_by_kind() -> dict[str, Sequence[str]]:
    return {name: kind.fields for name, kind in KINDS.items()}


def limit_labels() -> dict[str, str]:
    """Return what the limit of each kind is called."""
    return {name: kind.limit_label for name, kind in KINDS.items() if isinstance(kind, LimitKind)}


class NamesWidget(forms.MultiWidget):
    """A searchable list of known names, and a line for others."""

    def __init__(self, noun: str) -> None:
        other = {"placeholder": f"other {noun}, separated by commas", "class": "vTextField"}
        super().__init__(
            [
                FilteredSelectMultiple(noun, is_stacked=False),
                forms.TextInput({**other, "aria-label": f"Other {noun}, separated by commas"}),
            ]
        )

    def decompress(self, value: Any) -> list[Any]:
        return [value or [], ""]

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        # A list would be taken for the values of the two parts.
        return super().get_context(name, self.decompress(value), attrs)

    def render(self, name: str, value: Any, *args: Any, **kwargs: Any) -> SafeString:
        # The script of the list puts its boxes first in the element around it.
        inner = super().render(name, value, *args, **kwargs)
        return format_html('<div class="names">{}</div>', inner)

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        chosen, others = super().value_from_datadict(data, files, name)
        return [*(chosen or []), *(each.strip() for each in (others or "").split(",") if each)]


class NamesField(forms.Field):
    """Names of queues or agents. Any name is valid: its first call may not have arrived yet."""

    def __init__(self, *, column: str, noun: str, **kwargs: Any) -> None:
        self._column = column
        super().__init__(required=False, widget=NamesWidget(noun), **kwargs)

    def offer(self, chosen: Sequence[str]) -> None:
        names = known_names(self._column, chosen)
        self.widget.widgets[0].choices = [(name, name) for name in names]

    def to_python(self, value: Any) -> list[str]:
        return list(value or [])


class ConditionsWidget(forms.Widget):
    """A row for each condition, and empty ones up to the limit."""

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        given = [each for each in value or [] if isinstance(each, Mapping)]
        rows = [given[n] if n < len(given) else {} for n in range(MAX_CONDITIONS)]
        context = {
            "rows": [(f"{name}-{number}", row) for number, row in enumerate(rows)],
            "kinds": [(kind, LABELS[kind]) for kind in CONDITION_KINDS],
            "speakers": AlertRule.Speaker.choices,
            "used_by": {field: _users(field, CONDITION_KINDS) for field in FIELDS_OF_KINDS},
        }
        return SafeString(render_to_string("admin/calls/alertrule/conditions.html", context))

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[dict[str, Any]]:
        rows = [_read_row(data, f"{name}-{number}") for number in range(MAX_CONDITIONS)]
        return [row for row in rows if row]

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return not any(key.startswith(f"{name}-") for key in data)


def _read_row(data: Any, prefix: str) -> dict[str, Any]:
    kind = data.get(f"{prefix}-kind", "")
    if not kind:
        return {}
    fields = KINDS[kind].fields if kind in KINDS else ()
    given = {field: data.get(f"{prefix}-{field}", "") for field in fields}
    # An empty field is one that is not set.
    return {"kind": kind} | {field: value for field, value in given.items() if value != ""}


class ConditionsField(forms.Field):
    """A list of conditions. The model checks them."""

    widget = ConditionsWidget

    def to_python(self, value: Any) -> list[dict[str, Any]]:
        return list(value or [])


class RuleForm(forms.ModelForm):  # type: ignore[type-arg]
    """Says of each field which kinds use it. The script of the page hides the other fields."""

    queues = NamesField(column="queue", noun="queues")
    agents = NamesField(column="agent", noun="agents")
    conditions = ConditionsField(required=False, label="And all of these")

    class Meta:
        model = AlertRule
        fields = RULE_FIELDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("queues", "agents", "conditions"):
            if name in self.fields:
                column: Any = AlertRule._meta.get_field(name)  # noqa: SLF001 (public)
                self.fields[name].help_text = column.help_text
        for name in ("queues", "agents"):
            if isinstance(field := self.fields.get(name), NamesField):
                field.offer(self.initial.get(name) or getattr(self.instance, name) or [])
        for name in FIELDS_OF_KINDS:
            if name in self.fields:
                self.fields[name].help_text = _with_users(self.fields[name].help_text, name)


def _with_users(help_text: Any, field: str) -> SafeString:
    users = _users(field, list(KINDS))
    labels = ", ".join(LABELS[kind] for kind in users.split())
    return format_html('{} <span class="rule-uses">For: {}.</span>', help_text, labels)


def _users(field: str, kinds: Sequence[str]) -> str:
    return " ".join(kind for kind in kinds if field in KINDS[kind].fields)


def summary_of(rule: AlertRule) -> str:
    """Describe in a few words which calls a rule applies to."""
    parts = [", ".join(rule.queues), ", ".join(rule.agents)]
    return "; ".join(part for part in parts if part) or "all"


FORM_OVERRIDES: Mapping[type[models.Field[Any, Any]], Mapping[str, Any]] = {
    models.TextField: {"widget": forms.Textarea(attrs={"rows": 4, "cols": 60})}
}
