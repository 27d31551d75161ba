"""The form of one's own settings."""

from __future__ import annotations

from typing import Any

from django import forms

from calls.models import Call, Preferences
from calls.models.preference import QUEUE_LIMIT
from calls.reports.period import zone_names
from supervisor.board.columns import COLUMNS, shown_columns

# Only queues of this many newest calls are offered, besides those chosen already.
QUEUES_FROM = 2000
_ALIAS = ("Etc/", "SystemV/", "posix/", "right/")


class PreferencesForm(forms.ModelForm):  # type: ignore[type-arg]
    time_zone = forms.ChoiceField(required=False, label="Time zone")
    dates = forms.ChoiceField(choices=Preferences.Dates.choices, label="Dates and times")
    queues = forms.MultipleChoiceField(
        required=False, label="My queues", widget=forms.CheckboxSelectMultiple
    )

    columns = forms.MultipleChoiceField(
        required=False,
        label="Columns of the wallboard",
        choices=[(column.name, column.label) for column in COLUMNS if column.is_optional],
    )

    class Meta:
        model = Preferences
        fields = [
            "time_zone",
            "dates",
            "alert_sound",
            "alert_volume",
            "shortcuts",
            "columns",
            "queues",
        ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._field("time_zone").choices = _zones(self.instance.time_zone)
        self._field("queues").choices = [(name, name) for name in _queues(self.instance.queues)]

    def clean_columns(self) -> list[str]:
        """Keep nothing if these are the usual ones, which may change with a new version."""
        chosen: list[str] = self.cleaned_data["columns"]
        usual = [column.name for column in shown_columns() if column.is_optional]
        return [] if chosen == usual else chosen

    def shown_columns(self) -> list[str]:
        """Return the names of the columns that the form ticks."""
        return self["columns"].value() or [column.name for column in shown_columns()]

    def clean_queues(self) -> list[str]:
        chosen: list[str] = self.cleaned_data["queues"]
        if len(chosen) > QUEUE_LIMIT:
            raise forms.ValidationError(f"Choose at most {QUEUE_LIMIT} queues.")
        return chosen

    def _field(self, name: str) -> Any:
        return self.fields[name]


def _zones(chosen: str) -> list[tuple[str, str]]:
    names = {name for name in zone_names() if "/" in name and not name.startswith(_ALIAS)}
    # A zone that the system has lost stays chosen, so that saving does not change it.
    named = sorted({*names, "UTC", chosen} - {""})
    return [("", "That of the browser"), *((name, name.replace("_", " ")) for name in named)]


def _queues(chosen: list[str]) -> list[str]:
    newest = Call.objects.order_by("-id").values_list("queue", flat=True)[:QUEUES_FROM]
    return sorted({*newest, *chosen} - {""}, key=str.casefold)
