from django.db import migrations, models
from django.db.models import Q

WARNING = 2
RULE = {"name": "Trouble with the sound", "kind": "sound", "severity": WARNING}
KINDS = [
    ("words", "Words or phrases"),
    ("sentiment", "Sentiment under a limit"),
    ("silence", "Silence over a limit"),
    ("loss", "Loss over a limit"),
    ("long_call", "Call longer than a limit"),
    ("analysis_failed", "Analysis failed"),
    ("sound", "Trouble with the sound"),
]
SUMMARY_KINDS = [("prose", "Summary"), ("quotes", "Quotes from the call")]


def create_rule(apps, schema_editor):
    rules = apps.get_model("calls", "AlertRule").objects
    rules.get_or_create(name=RULE["name"], defaults=RULE)


class Migration(migrations.Migration):
    dependencies = [("calls", "0031_provisional_live_words")]

    operations = [
        migrations.AddField(
            model_name="analysis",
            name="summary_kind",
            field=models.CharField(blank=True, choices=SUMMARY_KINDS, default="", max_length=8),
        ),
        migrations.AddField(
            model_name="call",
            name="sound_troubles",
            field=models.CharField(blank=True, default="", editable=False, max_length=200),
        ),
        migrations.AddField(
            model_name="call",
            name="unjudged_language",
            field=models.CharField(blank=True, default="", editable=False, max_length=16),
        ),
        migrations.AddIndex(
            model_name="call",
            index=models.Index(
                condition=~Q(sound_troubles=""),
                fields=["-id", "sound_troubles"],
                name="call_with_sound_trouble",
            ),
        ),
        migrations.AlterField(
            model_name="alert",
            name="kind",
            field=models.CharField(choices=KINDS, max_length=16),
        ),
        migrations.AlterField(
            model_name="alertrule",
            name="kind",
            field=models.CharField(choices=KINDS, max_length=16),
        ),
        migrations.RunPython(create_rule, migrations.RunPython.noop),
    ]
