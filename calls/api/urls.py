"""The routes under /v1, without trailing slash. The views, not the routes, check call ids."""

from django.urls import path

from calls.api.views import annotations, calls, events, packets
from calls.api.views.alerts import AlertViewSet
from calls.api.views.analysis import AnalysisViewSet
from calls.api.views.reports import ReportViewSet
from calls.api.views.search import SearchViewSet

_packets = packets.PacketViewSet.as_view
_calls = calls.CallViewSet.as_view
_tags = annotations.TagViewSet.as_view
_notes = annotations.NoteViewSet.as_view
_alerts = AlertViewSet.as_view
_reports = ReportViewSet.as_view
urlpatterns = [
    path("call/stream/<str:call_id>", _packets({"post": "create"}), name="packet"),
    path("call/stream/<str:call_id>/batch", _packets({"post": "batch"}), name="batch"),
    path("call", _calls({"get": "list"}), name="calls"),
    path("calls.csv", _calls({"get": "table"}), name="calls-csv"),
    path("call/<str:call_id>", _calls({"get": "retrieve"}), name="call"),
    path("call/<str:call_id>/start", _calls({"post": "start"}), name="start"),
    path("call/<str:call_id>/end", _calls({"post": "end"}), name="end"),
    path("call/<str:call_id>/retry", _calls({"post": "retry"}), name="retry"),
    path("call/<str:call_id>/dismiss", _calls({"post": "dismiss"}), name="dismiss"),
    path("call/<str:call_id>/decode", _calls({"post": "decode"}), name="decode"),
    path("call/<str:call_id>/reanalyse", _calls({"post": "reanalyse"}), name="reanalyse"),
    path("call/<str:call_id>/transcript", _calls({"get": "transcript"}), name="transcript"),
    path("call/<str:call_id>/recording", _calls({"get": "recording"}), name="recording"),
    path("call/<str:call_id>/speakers", _calls({"put": "speakers"}), name="speakers"),
    path("call/<str:call_id>/tags", _tags({"get": "list", "post": "create"}), name="tags"),
    path("call/<str:call_id>/tags/<path:name>", _tags({"delete": "destroy"}), name="tag"),
    path("call/<str:call_id>/notes", _notes({"get": "list", "post": "create"}), name="notes"),
    path("call/<str:call_id>/notes/<int:note_id>", _notes({"delete": "destroy"}), name="note"),
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
    path("call/<str:call_id>/alerts", _alerts({"get": "of_call"}), name="call-alerts"),
    path("alerts", _alerts({"get": "list"}), name="alerts"),
    path("alerts.csv", _alerts({"get": "table"}), name="alerts-csv"),
    path("alerts/<int:alert_id>", _alerts({"get": "retrieve"}), name="alert"),
    path(
        "alerts/<int:alert_id>/acknowledge",
        _alerts({"post": "acknowledge"}),
        name="acknowledge-alert",
    ),
    path("alerts/<int:alert_id>/assign", _alerts({"post": "assign"}), name="assign-alert"),
    path("alerts/<int:alert_id>/snooze", _alerts({"post": "snooze"}), name="snooze-alert"),
    path("alerts/<int:alert_id>/reopen", _alerts({"post": "reopen"}), name="reopen-alert"),
    path("analysis", AnalysisViewSet.as_view({"get": "list"}), name="analysis"),
    path(
        "events/stream",
        events.EventViewSet.as_view({"get": "stream"}),
        name="event-stream",
    ),
    path("search", SearchViewSet.as_view({"get": "list"}), name="search"),
    path("search.csv", SearchViewSet.as_view({"get": "table"}), name="search-csv"),
    path("reports/agents", _reports({"get": "agents"}), name="report-agents"),
    path("reports/agents.csv", _reports({"get": "agents_table"}), name="report-agents-csv"),
    path("reports/queues", _reports({"get": "queues"}), name="report-queues"),
    path("reports/queues.csv", _reports({"get": "queues_table"}), name="report-queues-csv"),
    path("reports/days", _reports({"get": "days"}), name="report-days"),
    path("reports/days.csv", _reports({"get": "days_table"}), name="report-days-csv"),
    path("events", events.EventViewSet.as_view({"get": "list"}), name="events"),
]
