"""Reports by agent, queue and day: JSON, or the same as CSV."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from calls.api import downloads
from calls.api.docs import reports as docs
from calls.api.parameters import yes_or_no
from calls.api.serializers.reports import FIGURES, shown
from calls.api.views.route import READ, CallRoute
from calls.exports import report_table
from calls.models import Call
from calls.reports.figures import By, Scope, figures_by, figures_by_day
from calls.reports.period import PeriodRefused, read_period, read_zone

NAME_LENGTH = 200


class ReportViewSet(CallRoute):
    """Answers with one document for a range of days."""

    filter_backends = []
    scopes: ClassVar = dict.fromkeys(
        ("agents", "queues", "days", "agents_table", "queues_table", "days_table"), READ
    )
    # REST framework wants a queryset, although a report has no rows of the database.
    queryset = Call.objects.none()
    serializer_class = BaseSerializer

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        # A client may accept only text/csv. Do not answer 406: errors are JSON regardless.
        is_table = str(self.action).endswith("table")
        return super().perform_content_negotiation(request, force or is_table)

    @docs.agents
    def agents(self, request: Request) -> Response:
        return _document(scope := _read_scope(request), _by("agent", scope))

    @docs.queues
    def queues(self, request: Request) -> Response:
        return _document(scope := _read_scope(request), _by("queue", scope))

    @docs.days
    def days(self, request: Request) -> Response:
        return _document(scope := _read_scope(request), _by_day(scope))

    @docs.agents_table
    def agents_table(self, request: Request) -> HttpResponseBase:
        return _table(request, "agent", _by("agent", _read_scope(request)))

    @docs.queues_table
    def queues_table(self, request: Request) -> HttpResponseBase:
        return _table(request, "queue", _by("queue", _read_scope(request)))

    @docs.days_table
    def days_table(self, request: Request) -> HttpResponseBase:
        return _table(request, "day", _by_day(_read_scope(request)))


def _by(by: By, scope: Scope) -> list[dict[str, Any]]:
    found = figures_by(by, scope)
    names = sorted(found, key=lambda name: (name.casefold(), name))
    return [{by: name, **shown(found[name])} for name in names]


def _by_day(scope: Scope) -> list[dict[str, Any]]:
    return [{"day": str(day), **shown(found)} for day, found in figures_by_day(scope).items()]


def _document(scope: Scope, results: list[dict[str, Any]]) -> Response:
    period = scope.period
    return Response(
        {
            "from": str(period.first),
            "to": str(period.last),
            "time_zone": str(period.zone),
            "results": results,
        }
    )


def _table(request: Request, by: str, results: list[dict[str, Any]]) -> HttpResponseBase:
    bom = yes_or_no(request, "bom", default=False)
    return downloads.csv(report_table.export([by, *FIGURES], results), f"{by}s.csv", bom=bom)


def _read_scope(request: Request) -> Scope:
    """Read the range and the filters. Raises ValidationError that names the parameter."""
    given = request.query_params
    try:
        zone = read_zone(given["tz"]) if given.get("tz") else timezone.get_default_timezone()
        period = read_period(
            given.get("from", ""), given.get("to", ""), now=timezone.now(), zone=zone
        )
    except PeriodRefused as error:
        raise ValidationError({error.field: [str(error)]}) from error
    return Scope(period, agent=_read_name(request, "agent"), queue=_read_name(request, "queue"))


def _read_name(request: Request, name: str) -> str | None:
    value: str | None = request.query_params.get(name)
    if value is not None and (len(value) > NAME_LENGTH or "\0" in value):
        raise ValidationError({name: [f"Must have at most {NAME_LENGTH} characters, and no NUL."]})
    return value
