"""The routes of alerts: list, read and export them, and act on one."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from calls.actions import ACTIONS
from calls.alerts.handling import assign_alert, reopen_alert, snooze_alert
from calls.alerts.services import AlertNotFound, acknowledge_alert
from calls.api import downloads
from calls.api.docs import alerts as docs
from calls.api.filters import AlertFilter
from calls.api.pagination import CallPagination
from calls.api.parameters import yes_or_no
from calls.api.serializers.alerts import (
    AcknowledgementSerializer,
    AlertSerializer,
    AssignmentSerializer,
    SnoozeSerializer,
)
from calls.api.views.route import READ, CallRoute, read_body, who
from calls.exports import alert_table
from calls.models import Alert


class AlertViewSet(CallRoute):
    """Lists alerts, newest first, and acts on them."""

    queryset = Alert.objects.select_related("call")
    filterset_class = AlertFilter
    pagination_class = CallPagination
    serializer_class = AlertSerializer
    scopes: ClassVar = {
        **dict.fromkeys(("list", "of_call", "retrieve", "table"), READ),
        **dict.fromkeys(
            ("acknowledge", "assign", "snooze", "reopen"), ACTIONS["acknowledge"].scope
        ),
    }

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        # A client may accept only text/csv. Do not answer 406: errors are JSON regardless.
        return super().perform_content_negotiation(request, force or self.action == "table")

    @docs.alert_list
    def list(self, request: Request) -> Response:
        return self._page(self.get_queryset())

    @docs.call_alerts
    def of_call(self, request: Request, call_id: str) -> Response:
        return self._page(self.get_queryset().filter(call=self.find_call()))

    @docs.alert_detail
    def retrieve(self, request: Request, alert_id: int) -> Response:
        return Response(AlertSerializer(self._alert(alert_id)).data)

    @docs.acknowledge
    def acknowledge(self, request: Request, alert_id: int) -> Response:
        note = read_body(AcknowledgementSerializer, request).get("note", "")
        _, is_first = acknowledge_alert(alert_id=alert_id, by=who(request), note=note)
        status = "acknowledged" if is_first else "already_acknowledged"
        return Response({"status": status, **AlertSerializer(self._alert(alert_id)).data})

    @docs.assign
    def assign(self, request: Request, alert_id: int) -> Response:
        wanted = read_body(AssignmentSerializer, request)
        assign_alert(alert_id=alert_id, to=wanted["to"], by=who(request))
        return Response(AlertSerializer(self._alert(alert_id)).data)

    @docs.snooze
    def snooze(self, request: Request, alert_id: int) -> Response:
        wanted = read_body(SnoozeSerializer, request)
        snooze_alert(alert_id=alert_id, until=wanted["until"], by=who(request))
        return Response(AlertSerializer(self._alert(alert_id)).data)

    @docs.reopen
    def reopen(self, request: Request, alert_id: int) -> Response:
        reopen_alert(alert_id=alert_id, by=who(request))
        return Response(AlertSerializer(self._alert(alert_id)).data)

    @docs.alert_table
    def table(self, request: Request) -> HttpResponseBase:
        alerts = self.filter_queryset(self.get_queryset())
        return downloads.csv(
            alert_table.export(alerts), "alerts.csv", bom=yes_or_no(request, "bom", default=False)
        )

    def _page(self, alerts: QuerySet[Any]) -> Response:
        page = self.paginate_queryset(self.filter_queryset(alerts))
        return self.get_paginated_response(AlertSerializer(page, many=True).data)

    def _alert(self, alert_id: int) -> Alert:
        alert: Alert | None = self.get_queryset().filter(pk=alert_id).first()
        if alert is None:
            raise AlertNotFound(f"There is no alert {alert_id}.")
        return alert
