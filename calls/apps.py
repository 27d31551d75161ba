"""The domain application."""

from django.apps import AppConfig


class CallsConfig(AppConfig):
    name = "calls"
    verbose_name = "Calls"

    def ready(self) -> None:
        import calls.accounts.login_log
        import calls.accounts.sessions
        import calls.alerts.definition  # noqa: F401 (these listen to signals)
        from calls.audit import logins

        logins.connect()
