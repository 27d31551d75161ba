from django.db import migrations, models
from django.db.models import OuterRef, Q, Subquery
from django.db.models.functions import Coalesce, Now


def resolve_what_is_over(apps, schema_editor):
    """Resolve open alerts of calls that ended long ago, without an event for each of them.

    Acknowledged ones are history and stay as they are. One statement for each reason, over an
    index that holds only open alerts.
    """
    alerts = apps.get_model("calls", "Alert").objects.filter(acknowledged_at=None, resolved_at=None)
    live = Q(source=None) | Q(source__startswith="live:")
    of_live_calls = Q(kind__in=("loss", "long_call")) | Q(kind="silence") & live
    failed = Q(kind="analysis_failed")
    alerts.filter(of_live_calls | failed).update(lasts=True)
    for over, reason, column in (
        (of_live_calls & ~Q(call__state="IN_PROGRESS"), "call_ended", "ended_at"),
        (failed & Q(call__state="ARCHIVED"), "analysed", "state_changed_at"),
        (
            failed & Q(call__state="FAILED", call__dismissed_at__isnull=False),
            "dismissed",
            "dismissed_at",
        ),
    ):
        calls = apps.get_model("calls", "Call").objects.filter(pk=OuterRef("call_id"))
        at = Coalesce(Subquery(calls.values(column)[:1]), Now())
        alerts.filter(over).update(resolved_at=at, resolved_reason=reason)


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0032_sound_and_language"),
    ]

    operations = [
        migrations.AddField(
            model_name="alert",
            name="assigned_to",
            field=models.CharField(blank=True, db_default="", default="", max_length=150),
        ),
        migrations.AddField(
            model_name="alert",
            name="lasts",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="alert",
            name="resolved_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="alert",
            name="resolved_reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("call_ended", "the call ended"),
                    ("silence_broken", "the silence was broken"),
                    ("within_limit", "packet loss is back under the limit"),
                    ("recovered", "the sentiment recovered"),
                    ("not_confirmed", "the result does not confirm it"),
                    ("analysed", "the analysis succeeded"),
                    ("dismissed", "the failed call was dismissed"),
                    ("swapped", "agent and customer were swapped"),
                ],
                db_default="",
                default="",
                max_length=16,
            ),
        ),
        migrations.AddField(
            model_name="alert",
            name="snoozed_until",
            field=models.DateTimeField(null=True),
        ),
        # Before the indexes, so that it finds the open alerts by the old ones.
        migrations.RunPython(resolve_what_is_over, migrations.RunPython.noop),
        migrations.RemoveIndex(
            model_name="alert",
            name="open_alert_by_call",
        ),
        migrations.RemoveIndex(
            model_name="alert",
            name="open_alert_newest",
        ),
        migrations.RemoveIndex(
            model_name="alert",
            name="open_alert_by_severity",
        ),
        migrations.AlterField(
            model_name="webhookendpoint",
            name="alerts",
            field=models.BooleanField(
                default=True,
                help_text="alert_raised, alert_resolved, and what people do with alerts, as it happens.",
            ),
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(
                condition=models.Q(
                    ("acknowledged_at", None), ("resolved_at", None), ("snoozed_until", None)
                ),
                fields=["call", "severity"],
                name="open_alert_by_call",
            ),
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(
                condition=models.Q(
                    ("acknowledged_at", None), ("resolved_at", None), ("snoozed_until", None)
                ),
                fields=["-id"],
                name="open_alert_newest",
            ),
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(
                condition=models.Q(
                    ("acknowledged_at", None), ("resolved_at", None), ("snoozed_until", None)
                ),
                fields=["severity", "-id"],
                name="open_alert_by_severity",
            ),
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(
                condition=models.Q(("lasts", True), ("resolved_at", None)),
                fields=["call"],
                name="lasting_alert",
            ),
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(
                condition=models.Q(("snoozed_until__isnull", False)),
                fields=["snoozed_until"],
                name="snoozed_alert",
            ),
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(
                condition=models.Q(("assigned_to", ""), _negated=True),
                fields=["assigned_to"],
                name="alert_by_assignee",
            ),
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(fields=["raised_at"], name="alert_by_time"),
        ),
    ]
