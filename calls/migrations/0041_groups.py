"""Groups for the people of a call centre, and the permission to see the calls of all teams."""

from django.db import migrations
from django.db.models import Q

from calls.groups import create_groups, make_permissions

SETTINGS = (
    "alertrule", "displayscreen", "insight", "notificationtarget", "queuethreshold",
    "webhookendpoint",
)  # fmt: skip
GROUPS = {
    "Supervisor": ("view_call", "operate_call", "listen_call"),
    "Quality": ("view_call", "view_all_calls", "operate_call", "listen_call", "view_unredacted"),
    "Operator": (
        "view_call", "view_all_calls", "operate_call", "view_alert", "view_apikey", "view_attempt",
        "view_bulkaction", "view_mediaconnection", "view_notificationdelivery",
        "view_providerhealth", "view_stream", "view_webhookdelivery", "view_workerheartbeat",
        *(f"{verb}_{name}" for name in SETTINGS for verb in ("add", "change", "delete", "view")),
    ),
    "Auditor": (
        "view_call", "view_all_calls", "view_alert", "view_bulkaction", "view_callevent",
        "view_listensession", "view_note", "view_tag",
    ),
    "Agent": ("view_call", "view_own_calls"),
}  # fmt: skip


def grant(apps, schema_editor):
    """Whoever could see calls could see all of them, and still can."""
    using = schema_editor.connection.alias
    make_permissions(apps, using)
    Permission = apps.get_model("auth", "Permission")
    named = {
        each.codename: each
        for each in Permission.objects.using(using).filter(
            content_type__app_label="calls", codename__in=("view_call", "view_all_calls")
        )
    }
    view, view_all = named["view_call"], named["view_all_calls"]
    for group in apps.get_model("auth", "Group").objects.using(using).filter(permissions=view):
        group.permissions.add(view_all)
    users = apps.get_model("auth", "User").objects.using(using)
    for user in users.filter(Q(user_permissions=view)).distinct():
        user.user_permissions.add(view_all)


def create(apps, schema_editor):
    create_groups(apps, schema_editor.connection.alias, GROUPS)


class Migration(migrations.Migration):

    dependencies = [
        ("calls", "0040_api_key_scopes"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="call",
            options={
                "ordering": ["-id"],
                "permissions": [
                    ("operate_call", "Can end, retry and reanalyse calls"),
                    ("view_unredacted", "Can read transcripts with personal data in them"),
                    ("listen_call", "Can listen to live calls"),
                    ("view_all_calls", "Can see calls of all teams"),
                    ("view_own_calls", "Can see own calls, as the agent of the account"),
                ],
            },
        ),
        migrations.RunPython(grant, migrations.RunPython.noop),
        migrations.RunPython(create, migrations.RunPython.noop),
    ]
