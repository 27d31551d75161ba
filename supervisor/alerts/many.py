"""Acknowledging several alerts or all that match: first the question, then the action."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST

from calls.alerts.services import acknowledge_alerts
from calls.models import Alert, AlertQuerySet, Severity
from calls.visibility import in_sight
from supervisor.access import asked_for_at, guarded
from supervisor.alerts import undo
from supervisor.alerts.read_model import Case, group, matching_alerts
from supervisor.alerts.selection import AlertSelection, read_offers
from supervisor.alerts.views import HANDLE, back, note_of

BULK_LIMIT = 500
SHOWN_CALLS = 10


@dataclass(frozen=True)
class Share:
    """How many of the alerts a rule has raised."""

    rule: str
    level: str
    label: str
    count: int


@dataclass(frozen=True)
class Question:
    """The alerts that would be acknowledged. ``more`` of those that match are left for later."""

    alerts: list[Alert]
    wanted: AlertSelection | None
    more: bool

    @property
    def shares(self) -> list[Share]:
        """The alerts by rule, the worst first."""
        counted = Counter((alert.severity, alert.name) for alert in self.alerts)
        return [
            Share(name, Severity(severity).name.lower(), Severity(severity).label, count)
            for (severity, name), count in sorted(
                counted.items(), key=lambda each: (-each[0][0], -each[1], each[0][1])
            )
        ]

    @property
    def cases(self) -> list[Case]:
        return group(self.alerts)[:SHOWN_CALLS]

    @property
    def other_calls(self) -> int:
        return max(0, len(group(self.alerts)) - SHOWN_CALLS)

    @property
    def conditions(self) -> list[str]:
        return list(self.wanted.in_words()) if self.wanted else []


@require_POST
@guarded(HANDLE)
def acknowledge_many(request: HttpRequest) -> HttpResponse:
    """Ask about the selected alerts, or all that matched the filter when the page was read.

    The page with the question sends the ids of what it showed, and ``confirmed``.
    """
    if request.POST.get("confirmed") == "1":
        return _acknowledge(request)
    question = _ask(request)
    if not question.alerts:
        messages.info(request, "Select at least one alert.")
        return back(request)
    context = {"question": question, "next": asked_for_at(request), "limit": BULK_LIMIT}
    return render(request, "supervisor/alerts/ask.html", context)


def _ask(request: HttpRequest) -> Question:
    form = request.POST
    if form.get("every") != "1":
        chosen = _chosen(form).unhandled().order_by("-id")
        return Question(list(chosen.select_related("call")), None, more=False)
    up_to = form.get("up_to", "")
    newest = int(up_to) if up_to.isdecimal() and len(up_to) < 19 else 0
    # The filter of the page that the user saw, not of the address that the form is sent to.
    wanted = AlertSelection.from_query(
        QueryDict(form.get("filter", "")), me=request.user.get_username(), offers=read_offers()
    )
    matching = matching_alerts(wanted, up_to=newest).select_related("call")
    found = list(matching[: BULK_LIMIT + 1])
    return Question(found[:BULK_LIMIT], wanted, more=len(found) > BULK_LIMIT)


def _acknowledge(request: HttpRequest) -> HttpResponse:
    now, by = timezone.now(), request.user.get_username()
    done = acknowledge_alerts(
        alert_ids=list(_chosen(request.POST).values_list("pk", flat=True)),
        by=by,
        note=note_of(request),
        at=now,
    )
    undo.remember(request, done, name="", at=now)
    if not done:
        messages.info(request, "Somebody else has handled these alerts.")
    return back(request)


def _chosen(form: QueryDict) -> AlertQuerySet:
    """Return the selected alerts that are in sight, in the order in which they were raised."""
    return in_sight(Alert.objects.filter(pk__in=list(_numbers(form))).order_by("pk"), "call__")


def _numbers(form: QueryDict) -> Iterator[int]:
    for text in form.getlist("alert")[:BULK_LIMIT]:
        if text.isascii() and text.isdigit() and len(text) < 19:
            yield int(text)
