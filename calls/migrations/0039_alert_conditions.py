"""Rules with conditions, for several queues and agents, with quiet hours; words that must be said."""

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
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
        migrations.AlterField(
            model_name='webhookdelivery',
            name='state',
            field=models.CharField(choices=[('pending', 'Waiting'), ('delivered', 'Delivered'), ('given_up', 'Given up'), ('merged', 'In a digest')], default='pending', max_length=16),
        ),
        migrations.CreateModel(
            name='NotificationTarget',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('enabled', models.BooleanField(default=True)),
                ('disabled_reason', models.CharField(blank=True, default='', editable=False, max_length=300)),
                ('failing_since', models.DateTimeField(editable=False, null=True)),
                ('delivered_count', models.PositiveBigIntegerField(default=0, editable=False, verbose_name='delivered')),
                ('failed_count', models.PositiveBigIntegerField(default=0, editable=False, verbose_name='failed tries')),
                ('given_up_count', models.PositiveBigIntegerField(default=0, editable=False, verbose_name='given up')),
                ('name', models.CharField(max_length=100, unique=True)),
                ('kind', models.CharField(choices=[('email', 'E-mail'), ('slack', 'Slack'), ('teams', 'Microsoft Teams'), ('webhook', 'Another service (JSON)')], max_length=8)),
                ('address', models.CharField(max_length=1000)),
                ('min_severity', models.PositiveSmallIntegerField(choices=[(1, 'Notice'), (2, 'Warning'), (3, 'Critical')], default=2, help_text='Alerts of this severity and worse.', verbose_name='severity')),
                ('queues', models.JSONField(blank=True, default=list, help_text='Only calls of these queues. None chosen: all calls.')),
                ('per_minute', models.PositiveSmallIntegerField(default=10, help_text='From 1 to 60. What exceeds it is put together in one message.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(60)], verbose_name='messages a minute')),
                ('last_result', models.CharField(blank=True, default='', editable=False, max_length=300)),
                ('last_tried_at', models.DateTimeField(editable=False, null=True)),
                ('last_success_at', models.DateTimeField(editable=False, null=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('rules', models.ManyToManyField(blank=True, help_text='Only alerts of these rules. None chosen: all rules.', to='calls.alertrule')),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='NotificationDelivery',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.CharField(choices=[('pending', 'Waiting'), ('delivered', 'Delivered'), ('given_up', 'Given up'), ('merged', 'In a digest')], default='pending', max_length=16)),
                ('attempts', models.PositiveIntegerField(default=0)),
                ('next_attempt_at', models.DateTimeField(null=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('tried_at', models.DateTimeField(null=True)),
                ('delivered_at', models.DateTimeField(null=True)),
                ('status_code', models.PositiveSmallIntegerField(null=True)),
                ('duration_ms', models.PositiveIntegerField(null=True)),
                ('error', models.CharField(blank=True, default='', max_length=300)),
                ('response', models.CharField(blank=True, default='', max_length=500)),
                ('alert', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='notifications', to='calls.alert')),
                ('digest', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='merged', to='calls.notificationdelivery')),
                ('target', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='calls.notificationtarget')),
            ],
            options={
                'verbose_name_plural': 'notification deliveries',
                'ordering': ['-id'],
                'indexes': [models.Index(condition=models.Q(('state', 'pending')), fields=['target', 'next_attempt_at'], name='notification_due_by_target'), models.Index(fields=['target', 'tried_at'], name='notification_tried_by_target'), models.Index(fields=['created_at'], name='notification_by_age')],
                'constraints': [models.UniqueConstraint(fields=('target', 'alert'), name='one_notification_per_alert')],
            },
        ),
    ]
