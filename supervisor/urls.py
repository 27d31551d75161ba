"""The addresses of the pages."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from supervisor import alert_views, annotating, bulk_views, search_views, views

app_name = "supervisor"
urlpatterns = [
    path("", views.show_board, name="board"),
    path("rows", views.show_rows, name="rows"),
    path("calls.csv", views.show_table, name="table"),
    path("standing", views.show_standing, name="standing"),
    path("alerts/", alert_views.show_alerts, name="alerts"),
    path("alerts/acknowledge/", alert_views.acknowledge_many, name="acknowledge-many"),
    path("alerts/<int:alert_id>/acknowledge/", alert_views.acknowledge, name="acknowledge"),
    path("search/", search_views.show_search, name="search"),
    path("bulk/", bulk_views.actions, name="bulks"),
    path("bulk/ask/", bulk_views.ask, name="bulk-ask"),
    path("bulk/<int:action_id>/", bulk_views.show, name="bulk"),
    path("bulk/<int:action_id>/stop/", bulk_views.stop, name="bulk-stop"),
    path("history", views.show_history, name="history"),
    path("login/", views.LoginView.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("calls/<str:call_id>/", views.show_call, name="call"),
    path("calls/<str:call_id>/packets", views.show_packets, name="packets"),
    path("calls/<str:call_id>/waveform", views.show_waveform, name="waveform"),
    path("calls/<str:call_id>/end/", views.act, {"action": "end"}, name="end"),
    path("calls/<str:call_id>/retry/", views.act, {"action": "retry"}, name="retry"),
    path("calls/<str:call_id>/dismiss/", views.act, {"action": "dismiss"}, name="dismiss"),
    path("calls/<str:call_id>/swap/", views.act, {"action": "swap"}, name="swap"),
    path("calls/<str:call_id>/tag/", annotating.tag, name="tag"),
    path("calls/<str:call_id>/untag/", annotating.untag, name="untag"),
    path("calls/<str:call_id>/note/", annotating.note, name="note"),
    path("calls/<str:call_id>/note/<int:note_id>/delete/", annotating.unnote, name="unnote"),
    path("calls/<str:call_id>/reanalyse/", views.act, {"action": "reanalyse"}, name="reanalyse"),
]
