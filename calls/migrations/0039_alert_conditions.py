"""Rules with conditions, for several queues and agents, with quiet hours; words that must be said."""

from django.db import migrations, models

SUPERVISOR = "Asks for a supervisor"
COMPLAINTS = ("file a complaint", "make a complaint")
# A complaint is not a wish to speak to somebody else.
NEW_RULES = [
    {
        "name": "Wants to complain",
        "kind": "words",
        "severity": 2,
        "speaker": "customer",
        "phrases": "file a complaint\nmake a complaint\nmaking a complaint\nformal complaint\nwant to complain",
    },
    {
        "name": "Recording not announced",
        "kind": "not_said",
        "severity": 1,
        "speaker": "agent",
        "phrases": "may be recorded\nis recorded\nbeing recorded\nbe recorded\nwe record\nare recorded",
        "within_s": 30,
        # Not every site records its calls.
        "enabled": False,
    },
]


def change_rules(apps, schema_editor):
    rules = apps.get_model("calls", "AlertRule").objects
    for rule in rules.exclude(queue=""):
        rule.queues = [rule.queue]
        rule.save(update_fields=["queues"])
    for rule in rules.filter(name=SUPERVISOR, kind="words"):
        lines = rule.phrases.splitlines()
        kept = [line for line in lines if line.strip().lower() not in COMPLAINTS]
        if kept and kept != lines:
            rule.phrases = "\n".join(kept)
            rule.save(update_fields=["phrases"])
    for rule in NEW_RULES:
        rules.get_or_create(name=rule["name"], defaults=rule)


class Migration(migrations.Migration):

    dependencies = [
        ("calls", "0038_admin_wording"),
    ]

    operations = [
        migrations.AddField(
            model_name='alertrule',
            name='agents',
            field=models.JSONField(blank=True, default=list, help_text='Only calls of these agents. None chosen: all calls.'),
        ),
        migrations.AddField(
            model_name='alertrule',
            name='conditions',
            field=models.JSONField(blank=True, default=list, help_text='All of them must hold as well.'),
        ),
        migrations.AddField(
            model_name='alertrule',
            name='language',
            field=models.CharField(blank=True, default='', help_text='Only calls in this language, such as en or de. Empty: the language of the site. In other languages, nobody can tell what was not said.', max_length=16),
        ),
        migrations.AddField(
            model_name='alertrule',
            name='queues',
            field=models.JSONField(blank=True, default=list, help_text='Only calls of these queues. None chosen: all calls.'),
        ),
        migrations.AddField(
            model_name='alertrule',
            name='quiet_hours',
            field=models.TextField(blank=True, default='', help_text='One period a line, in the time zone of the site: “Mon-Fri 18:00-08:00” or “Sat-Sun”.'),
        ),
        migrations.AddField(
            model_name='alertrule',
            name='quiet_mode',
            field=models.CharField(choices=[('send', 'raise alerts, but send no messages'), ('raise', 'raise no alerts')], default='send', max_length=8, verbose_name='in quiet hours'),
        ),
        migrations.AddField(
            model_name='alertrule',
            name='within_s',
            field=models.PositiveIntegerField(blank=True, help_text='From the start of the call. Empty: in the whole call, decided when it is over.', null=True, verbose_name='within the first (seconds)'),
        ),
        migrations.AlterField(
            model_name='alert',
            name='kind',
            field=models.CharField(choices=[('words', 'Words or phrases said'), ('not_said', 'Words or phrases not said'), ('sentiment', 'Sentiment under a limit'), ('silence', 'Silence over a limit'), ('loss', 'Loss over a limit'), ('long_call', 'Call longer than a limit'), ('analysis_failed', 'Analysis failed'), ('sound', 'Trouble with the sound')], max_length=16),
        ),
        migrations.AlterField(
            model_name='alertrule',
            name='kind',
            field=models.CharField(choices=[('words', 'Words or phrases said'), ('not_said', 'Words or phrases not said'), ('sentiment', 'Sentiment under a limit'), ('silence', 'Silence over a limit'), ('loss', 'Loss over a limit'), ('long_call', 'Call longer than a limit'), ('analysis_failed', 'Analysis failed'), ('sound', 'Trouble with the sound')], max_length=16),
        ),
        migrations.AlterField(
            model_name='alertrule',
            name='per_turn',
            field=models.BooleanField(default=False, help_text='One turn under the limit is enough. Otherwise the whole call counts.', verbose_name='each turn by itself'),
        ),
        migrations.AlterField(
            model_name='alertrule',
            name='phrases',
            field=models.TextField(blank=True, default='', help_text='One word or phrase a line. Whole words; capitals, punctuation and line ends make no difference. “cancel*” also finds “cancelled”.'),
        ),
        migrations.RunPython(change_rules, migrations.RunPython.noop),
        migrations.RemoveField(
            model_name='alertrule',
            name='queue',
        ),
    ]
