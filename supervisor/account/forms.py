"""The forms of the login and of one's own account: settings, passwords and codes."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.forms import AuthenticationForm, SetPasswordForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from calls.accounts.login_log import address_of, tell_failure
from calls.accounts.sign_on import DirectoryDown, SignOnRefused
from calls.models import Call, Preferences
from calls.models.preference import QUEUE_LIMIT
from calls.reports.period import zone_names
from supervisor.board.columns import COLUMNS, shown_columns

# Only queues of this many newest calls are offered, besides those chosen already.
QUEUES_FROM = 2000
_ALIAS = ("Etc/", "SystemV/", "posix/", "right/")
DOWN, REFUSED = "down", "refused"  # codes of errors
IS_DOWN = (
    "The {label} does not respond, so your password cannot be checked. Try again in a minute. If "
    "the problem persists, tell your administrator."
)
log = logging.getLogger("calls.logins")


@contextmanager
def said_in_words(request: HttpRequest, username: str) -> Iterator[None]:
    """Turn obstacles other than a wrong password into errors of a form.

    An outage is not the fault of this person, so it does not count towards a lock-out.
    """
    try:
        yield
    except DirectoryDown as error:
        where = address_of(request)
        log.warning("no login of %r from %s: the directory: %.500r", username, where, str(error))
        text = IS_DOWN.format(label=settings.SIGN_ON.directory.label)
        raise ValidationError(text, code=DOWN) from error
    except SignOnRefused as error:
        tell_failure(request, username, str(error))
        raise ValidationError(str(error), code=REFUSED) from error


class LoginForm(AuthenticationForm):
    """The login. Its error has a code that says whether it is about the password."""

    def clean(self) -> dict[str, Any]:
        with said_in_words(self.request or HttpRequest(), self.cleaned_data.get("username", "")):
            return super().clean()


class OwnPasswordForm(forms.Form):
    """Asks for one's own password. Wrong ones count towards the lock-out, as at the login."""

    password = forms.CharField(
        strip=False, widget=forms.PasswordInput, error_messages={"required": "Enter your password."}
    )

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._request = request

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        user = self._request.user
        with said_in_words(self._request, user.get_username()):
            found = authenticate(self._request, username=user.get_username(), password=password)
        if found is None or found.pk != user.pk:
            raise forms.ValidationError("Wrong password.")
        return password


class NewPasswordForm(SetPasswordForm):  # type: ignore[type-arg]
    """A new password, twice, by the rules of the site."""

    error_messages = {"password_mismatch": "The two passwords are different."}


class CodeForm(forms.Form):
    """A code of an authenticator app, or a recovery code."""

    code = forms.CharField(max_length=40, error_messages={"required": "Enter the code."})


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
    return [("", "Follow the browser"), *((name, name.replace("_", " ")) for name in named)]


def _queues(chosen: list[str]) -> list[str]:
    newest = Call.objects.order_by("-id").values_list("queue", flat=True)[:QUEUES_FROM]
    return sorted({*newest, *chosen} - {""}, key=str.casefold)
