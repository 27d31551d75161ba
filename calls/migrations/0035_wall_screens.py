"""Displays of the wall screen, the limits that colour its tiles, and limits to begin with."""

import calls.models.wall
import django.core.validators
import django.utils.timezone
from django.db import migrations, models


def create_default(apps, schema_editor):
    """Colour what does not depend on the size of a site: the longest call, and the share."""
    apps.get_model("calls", "QueueThreshold").objects.get_or_create(
        queue="",
        defaults={
            "longest_amber": 15,
            "longest_red": 30,
            "negative_share_amber": 25,
            "negative_share_red": 50,
        },
    )


class Migration(migrations.Migration):

    dependencies = [
        ('calls', '0034_preferences_and_views'),
    ]

    operations = [
        migrations.CreateModel(
            name='DisplayScreen',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(help_text='Where the display hangs: “Floor 2, north”.', max_length=100)),
                ('digest', models.CharField(editable=False, max_length=64, unique=True)),
                ('pages', models.JSONField(default=calls.models.wall.all_pages)),
                ('queues', models.JSONField(blank=True, default=list)),
                ('rotation_s', models.PositiveSmallIntegerField(default=20, validators=[django.core.validators.MinValueValidator(5), django.core.validators.MaxValueValidator(3600)], verbose_name='seconds for each page')),
                ('customers', models.CharField(choices=[('hidden', 'Hidden'), ('masked', 'Last three digits'), ('full', 'Whole numbers and names')], default='masked', help_text='On page Calls.', max_length=8)),
                ('last_words', models.BooleanField(default=True, help_text='On page Calls: one line for each call, without personal data.', verbose_name='show what was said last')),
                ('theme', models.CharField(choices=[('auto', 'As the browser prefers'), ('light', 'Light'), ('dark', 'Dark')], default='auto', max_length=8)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('created_by', models.CharField(blank=True, default='', editable=False, max_length=150)),
                ('revoked_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('seen_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='last seen at')),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='QueueThreshold',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('queue', models.CharField(blank=True, default='', help_text='The queue exactly as calls name it. Empty: the default for all queues.', max_length=200, unique=True)),
                ('longest_amber', models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1)], verbose_name='longest live call: amber from (minutes)')),
                ('longest_red', models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1)], verbose_name='longest live call: red from (minutes)')),
                ('negative_amber', models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1)], verbose_name='negative live calls: amber from')),
                ('negative_red', models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1)], verbose_name='negative live calls: red from')),
                ('negative_share_amber', models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(100)], verbose_name='negative share: amber from (percent)')),
                ('negative_share_red', models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(100)], verbose_name='negative share: red from (percent)')),
                ('alerts_amber', models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1)], verbose_name='open alerts: amber from')),
                ('alerts_red', models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1)], verbose_name='open alerts: red from')),
                ('waiting_amber', models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1)], verbose_name='calls waiting for AI: amber from')),
                ('waiting_red', models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1)], verbose_name='calls waiting for AI: red from')),
            ],
            options={
                'ordering': ['queue'],
            },
        ),
        migrations.RunPython(create_default, migrations.RunPython.noop),
    ]
