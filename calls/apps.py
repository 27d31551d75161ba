"""The domain application."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate

SUPERVISORS = "Supervisors"
SUPERVISOR_PERMISSIONS = ("view_call", "operate_call")


class CallsConfig(AppConfig):
    name = "calls"
    verbose_name = "Calls"

    def ready(self) -> None:
        import calls.alerts.definition  # noqa: F401 (it checks rules)

        post_migrate.connect(create_supervisors, sender=self)


def create_supervisors(sender: AppConfig, using: str, **_: Any) -> None:
    """Make the group that looks at calls and acts on them, once: it is the site's to change."""
    from django.contrib.auth.management import create_permissions
    from django.contrib.auth.models import Group, Permission

    group, is_new = Group.objects.using(using).get_or_create(name=SUPERVISORS)
    if not is_new:
        return
    # They are made after migrations too, perhaps later than this.
    create_permissions(sender, verbosity=0, using=using)
    wanted = Permission.objects.using(using).filter(
        content_type__app_label="calls", codename__in=SUPERVISOR_PERMISSIONS
    )
    group.permissions.set(wanted)
