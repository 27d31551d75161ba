"""The routes under /v1, without trailing slash, in the order of /docs.

The views check ids and numbers, not the routes: whoever has no key learns nothing about them.
"""

from typing import Any

from django.urls import path

from calls.api.views import annotations, calls, events, packets
from calls.api.views.alerts import AlertViewSet
from calls.api.views.analysis import AnalysisViewSet
from calls.api.views.bulk import BulkViewSet
from calls.api.views.erasures import ErasureViewSet
from calls.api.views.holds import HoldViewSet
from calls.api.views.keys import KeyViewSet
from calls.api.views.people import PeopleViewSet
from calls.api.views.receivers import TargetViewSet, WebhookViewSet
from calls.api.views.reports import ReportViewSet
from calls.api.views.rules import RuleViewSet
from calls.api.views.search import SearchViewSet

_packets = packets.PacketViewSet.as_view
_calls = calls.CallViewSet.as_view
_tags = annotations.TagViewSet.as_view
_notes = annotations.NoteViewSet.as_view
_alerts = AlertViewSet.as_view
_reports = ReportViewSet.as_view
_bulk = BulkViewSet.as_view
_people = PeopleViewSet.as_view
_erasures = ErasureViewSet.as_view
_rules = RuleViewSet.as_view
_webhooks = WebhookViewSet.as_view
_targets = TargetViewSet.as_view
_keys = KeyViewSet.as_view
ROW: dict[str, Any] = {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}
urlpatterns = [
    # --- Sending calls ---
    path("call/stream/<str:call_id>", _packets({"post": "create"}), name="packet"),
    path("call/stream/<str:call_id>/batch", _packets({"post": "batch"}), name="batch"),
    path("call/<str:call_id>/start", _calls({"post": "start"}), name="start"),
    path("call/<str:call_id>/fields", _calls({"put": "change_fields"}), name="fields"),
    path("call/<str:call_id>/end", _calls({"post": "end"}), name="end"),
    # --- Results of a call ---
    path("call/<str:call_id>/transcript", _calls({"get": "transcript"}), name="transcript"),
    path("call/<str:call_id>", _calls({"get": "retrieve", "delete": "destroy"}), name="call"),
    path("call/<str:call_id>/recording", _calls({"get": "recording"}), name="recording"),
    path(
        "call/<str:call_id>/packets",
        packets.StoredPacketViewSet.as_view({"get": "list"}),
        name="packets",
    ),
    path(
        "call/<str:call_id>/events",
        events.EventViewSet.as_view({"get": "of_call"}),
        name="call-events",
    ),
    # --- As it happens ---
    path(
        "events/stream",
        events.EventViewSet.as_view({"get": "stream"}),
        name="event-stream",
    ),
    path("events", events.EventViewSet.as_view({"get": "list"}), name="events"),
    path("analysis", AnalysisViewSet.as_view({"get": "list"}), name="analysis"),
    # --- Finding calls ---
    path("call", _calls({"get": "list"}), name="calls"),
    path("calls.csv", _calls({"get": "table"}), name="calls-csv"),
    path("search", SearchViewSet.as_view({"get": "list"}), name="search"),
    path("search.csv", SearchViewSet.as_view({"get": "table"}), name="search-csv"),
    # --- Alerts ---
    path("alerts", _alerts({"get": "list"}), name="alerts"),
    path("alerts.csv", _alerts({"get": "table"}), name="alerts-csv"),
    path("alerts/<str:alert_id>", _alerts({"get": "retrieve"}), name="alert"),
    path(
        "alerts/<str:alert_id>/acknowledge",
        _alerts({"post": "acknowledge"}),
        name="acknowledge-alert",
    ),
    path("alerts/<str:alert_id>/assign", _alerts({"post": "assign"}), name="assign-alert"),
    path("alerts/<str:alert_id>/snooze", _alerts({"post": "snooze"}), name="snooze-alert"),
    path("alerts/<str:alert_id>/reopen", _alerts({"post": "reopen"}), name="reopen-alert"),
    path("call/<str:call_id>/alerts", _alerts({"get": "of_call"}), name="call-alerts"),
    # --- Agents, queues and days ---
    path("agents", _people({"get": "agents"}), name="agents"),
    path("queues", _people({"get": "queues"}), name="queues"),
    path("reports/agents", _reports({"get": "agents"}), name="report-agents"),
    path("reports/agents.csv", _reports({"get": "agents_table"}), name="report-agents-csv"),
    path("reports/queues", _reports({"get": "queues"}), name="report-queues"),
    path("reports/queues.csv", _reports({"get": "queues_table"}), name="report-queues-csv"),
    path("reports/days", _reports({"get": "days"}), name="report-days"),
    path("reports/days.csv", _reports({"get": "days_table"}), name="report-days-csv"),
    # --- Acting on calls ---
    path("call/<str:call_id>/retry", _calls({"post": "retry"}), name="retry"),
    path("call/<str:call_id>/dismiss", _calls({"post": "dismiss"}), name="dismiss"),
    path("call/<str:call_id>/reanalyse", _calls({"post": "reanalyse"}), name="reanalyse"),
    path("call/<str:call_id>/decode", _calls({"post": "decode"}), name="decode"),
    path("call/<str:call_id>/speakers", _calls({"put": "speakers"}), name="speakers"),
    path("bulk", _bulk({"get": "list", "post": "create"}), name="bulk-actions"),
    path("bulk/<str:number>", _bulk({"get": "retrieve"}), name="bulk-action"),
    path("bulk/<str:number>/stop", _bulk({"post": "stop"}), name="stop-bulk-action"),
    path(
        "call/<str:call_id>/hold",
        HoldViewSet.as_view({"get": "retrieve", "put": "update", "delete": "destroy"}),
        name="hold",
    ),
    path("erasures", _erasures({"post": "create"}), name="erasures"),
    path("erasures/<str:erasure_id>", _erasures({"get": "retrieve"}), name="erasure"),
    # --- Tags and notes ---
    path("call/<str:call_id>/tags", _tags({"get": "list", "post": "create"}), name="tags"),
    path("call/<str:call_id>/tags/<path:name>", _tags({"delete": "destroy"}), name="tag"),
    path("call/<str:call_id>/notes", _notes({"get": "list", "post": "create"}), name="notes"),
    path("call/<str:call_id>/notes/<str:note_id>", _notes({"delete": "destroy"}), name="note"),
    # --- Administration ---
    path("rules", _rules({"get": "list", "post": "create"}), name="rules"),
    path("rules/try", _rules({"post": "try_new"}), name="try-rule"),
    path("rules/<str:number>", _rules(ROW), name="rule"),
    path("rules/<str:number>/try", _rules({"post": "try_stored"}), name="try-stored-rule"),
    path("webhooks", _webhooks({"get": "list", "post": "create"}), name="webhooks"),
    path("webhooks/<str:number>", _webhooks(ROW), name="webhook"),
    path("webhooks/<str:number>/test", _webhooks({"post": "test"}), name="test-webhook"),
    path(
        "webhooks/<str:number>/deliveries",
        _webhooks({"get": "deliveries"}),
        name="webhook-deliveries",
    ),
    path("notification-targets", _targets({"get": "list", "post": "create"}), name="targets"),
    path("notification-targets/<str:number>", _targets(ROW), name="target"),
    path("notification-targets/<str:number>/test", _targets({"post": "test"}), name="test-target"),
    path(
        "notification-targets/<str:number>/deliveries",
        _targets({"get": "deliveries"}),
        name="target-deliveries",
    ),
    path("keys", _keys({"get": "list", "post": "create"}), name="keys"),
    path("keys/<str:number>", _keys({"get": "retrieve", "patch": "partial_update"}), name="key"),
    path("keys/<str:number>/rotate", _keys({"post": "rotate"}), name="rotate-key"),
    path("keys/<str:number>/revoke", _keys({"post": "revoke"}), name="revoke-key"),
]
