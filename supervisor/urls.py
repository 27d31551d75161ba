"""The addresses of the pages."""

from django.urls import path

from supervisor import pausing
from supervisor.account import login, overview, passwords, reset, second_factor, sign_on
from supervisor.account import views as account_views
from supervisor.alerts import views as alerts_views
from supervisor.alerts.many import acknowledge_many
from supervisor.board import views as board_views
from supervisor.bulk import views as bulk_views
from supervisor.call import annotating
from supervisor.call import views as call_views
from supervisor.listen import views as listen_views
from supervisor.people import views as people_views
from supervisor.saved import views as saved_views
from supervisor.search import views as search_views
from supervisor.wall import views as wall_views

app_name = "supervisor"
urlpatterns = [
    path("", board_views.show_board, name="board"),
    path("rows", board_views.show_rows, name="rows"),
    path("calls.csv", board_views.show_table, name="table"),
    path("standing", board_views.show_analysis_status, name="standing"),
    path("analysis/pause/", pausing.pause, name="pause"),
    path("analysis/resume/", pausing.resume, name="resume"),
    path("alerts/", alerts_views.show_alerts, name="alerts"),
    path("alerts/trends/", alerts_views.show_trends, name="alert-trends"),
    path("alerts/acknowledge/", acknowledge_many, name="acknowledge-many"),
    path("alerts/undo/", alerts_views.undo_acknowledge, name="undo-acknowledge"),
    path("alerts/<int:alert_id>/acknowledge/", alerts_views.acknowledge, name="acknowledge"),
    path("alerts/<int:alert_id>/assign/", alerts_views.assign, name="assign-alert"),
    path("alerts/<int:alert_id>/snooze/", alerts_views.snooze, name="snooze-alert"),
    path("alerts/<int:alert_id>/reopen/", alerts_views.reopen, name="reopen-alert"),
    path("agents/", people_views.show_agents, name="agents"),
    path("agent/", people_views.show_agent, name="agent"),
    path("queues/", people_views.show_queues, name="queues"),
    path("queue/", people_views.show_queue, name="queue"),
    path("days/", people_views.show_days, name="days"),
    path("search/", search_views.show_search, name="search"),
    path("bulk/", bulk_views.actions, name="bulks"),
    path("bulk/ask/", bulk_views.ask, name="bulk-ask"),
    path("bulk/<int:action_id>/", bulk_views.show, name="bulk"),
    path("bulk/<int:action_id>/stop/", bulk_views.stop, name="bulk-stop"),
    path("wall/", wall_views.show_wall, name="wall"),
    path("wall/<int:screen_id>/", wall_views.show_display, name="wall-display"),
    path("history", board_views.show_history, name="history"),
    path("login/", login.LoginView.as_view(), name="login"),
    path("login/code/", login.ask_code, name="login-code"),
    path("login/set-up/", second_factor.set_up_at_login, name="login-set-up"),
    path("login/sign-on/", sign_on.StartView.as_view(), name="sign-on"),
    path("login/sign-on/callback/", sign_on.CallbackView.as_view(), name="sign-on-callback"),
    path("login/forgotten/", reset.ask, name="forgotten-password"),
    path(
        "login/reset/<str:uidb64>/<str:token>/",
        reset.ResetView.as_view(),
        name="reset-password",
    ),
    path("logout/", sign_on.LogoutView.as_view(), name="logout"),
    path("account/", overview.show, name="account"),
    path("account/settings/", account_views.settings, name="settings"),
    path("account/password/", passwords.change, name="password"),
    path("account/second-factor/", second_factor.set_up, name="second-factor"),
    path("account/second-factor/codes/", second_factor.renew_codes, name="recovery-codes"),
    path("account/second-factor/off/", second_factor.turn_off, name="second-factor-off"),
    path("account/logins/<int:session_id>/end/", overview.end_one, name="end-login"),
    path("account/logins/end-others/", overview.end_others, name="end-other-logins"),
    path("views/", saved_views.views, name="views"),
    path("views/<int:view_id>/", saved_views.change, name="view"),
    path("views/<int:view_id>/delete/", saved_views.delete, name="view-delete"),
    path("calls/<str:call_id>/", call_views.show_call, name="call"),
    path("calls/<str:call_id>/packets", call_views.show_packets, name="packets"),
    path("calls/<str:call_id>/waveform", call_views.show_waveform, name="waveform"),
    path("calls/<str:call_id>/end/", call_views.act, {"action": "end"}, name="end"),
    path("calls/<str:call_id>/retry/", call_views.act, {"action": "retry"}, name="retry"),
    path("calls/<str:call_id>/dismiss/", call_views.act, {"action": "dismiss"}, name="dismiss"),
    path("calls/<str:call_id>/delete/", call_views.act, {"action": "delete"}, name="delete"),
    path("calls/<str:call_id>/swap/", call_views.act, {"action": "swap"}, name="swap"),
    path("calls/<str:call_id>/hold/", call_views.act, {"action": "hold"}, name="hold"),
    path("calls/<str:call_id>/release/", call_views.act, {"action": "release"}, name="release"),
    path("calls/<str:call_id>/decode/", call_views.act, {"action": "decode"}, name="decode"),
    path("calls/<str:call_id>/action-link/", listen_views.follow_action_link, name="action-link"),
    path("calls/<str:call_id>/tag/", annotating.tag, name="tag"),
    path("calls/<str:call_id>/untag/", annotating.untag, name="untag"),
    path("calls/<str:call_id>/note/", annotating.note, name="note"),
    path("calls/<str:call_id>/note/<int:note_id>/delete/", annotating.unnote, name="unnote"),
    path(
        "calls/<str:call_id>/reanalyse/", call_views.act, {"action": "reanalyse"}, name="reanalyse"
    ),
]
