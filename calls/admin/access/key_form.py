"""The forms of API keys in the admin: what a key may do, and how its secret is rotated."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils import timezone

from calls.admin.people import TeamsField
from calls.keys.networks import read_networks
from calls.models import ApiKey

if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[ApiKey]
else:
    _ModelForm = forms.ModelForm
OVERLAPS = [
    (timedelta(0), "no overlap: it ends now"),
    (timedelta(hours=1), "1 hour"),
    (timedelta(days=1), "24 hours"),
    (timedelta(days=7), "7 days"),
    (timedelta(days=30), "30 days"),
]


class NetworksField(forms.CharField):
    """Addresses and networks, one per line."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.Textarea(attrs={"rows": 4, "cols": 40, "spellcheck": "false"})
        super().__init__(required=False, widget=widget, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        try:
            return read_networks(super().clean(value).replace(",", "\n").splitlines())
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)


class ApiKeyForm(_ModelForm):
    networks = NetworksField(
        label="Networks",
        help_text="Where the key may be used from: one address or network per line, such as "
        "192.0.2.7, 10.0.0.0/8 or 2001:db8::/32. Empty: from anywhere.",
    )

    teams = TeamsField(help_text="The key sees the calls of these teams only. None: all calls.")

    def clean_expires_at(self) -> datetime | None:
        expires_at: datetime | None = self.cleaned_data["expires_at"]
        is_past = expires_at is not None and expires_at <= timezone.now()
        if is_past and "expires_at" in self.changed_data:
            raise forms.ValidationError("This is in the past. To end a key now, revoke it.")
        return expires_at


class RotationForm(forms.Form):
    """``seen`` identifies the secret that the person saw, so that two people do not rotate it."""

    overlap = forms.TypedChoiceField(
        choices=[(int(span.total_seconds()), label) for span, label in OVERLAPS],
        coerce=lambda seconds: timedelta(seconds=int(seconds)),
        initial=int(timedelta(days=1).total_seconds()),
        label="The old secret stays valid for",
    )
    end_previous = forms.BooleanField(required=False)
    keep_previous = forms.BooleanField(required=False)
    seen = forms.CharField(required=False, widget=forms.HiddenInput)


def seen_mark(key: ApiKey) -> str:
    return key.rotated_at.isoformat() if key.rotated_at else ""
