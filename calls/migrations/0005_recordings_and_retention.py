"""Stored recordings, what is pruned of a call, and where a round of its analysis begins."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('calls', '0004_insights_and_provider_health'),
    ]

    operations = [
        migrations.CreateModel(
            name='PrunedRange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('first_sequence', models.BigIntegerField()),
                ('last_sequence', models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='Recording',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.PositiveIntegerField()),
                ('duration_ms', models.PositiveBigIntegerField()),
                ('file', models.FileField(max_length=200, upload_to='')),
                ('size', models.PositiveBigIntegerField()),
                ('sha256', models.CharField(max_length=64)),
                ('redacted_file', models.FileField(blank=True, max_length=200, upload_to='')),
                ('redacted_size', models.PositiveBigIntegerField(default=0)),
                ('redacted_sha256', models.CharField(blank=True, default='', max_length=64)),
                ('created_at', models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name='call',
            name='automatic_retries',
            field=models.PositiveSmallIntegerField(default=0, editable=False),
        ),
        migrations.AddField(
            model_name='call',
            name='first_stage',
            field=models.CharField(choices=[('transcribe', 'Transcribe'), ('understand', 'Understand')], default='transcribe', editable=False, max_length=16),
        ),
        migrations.AddField(
            model_name='call',
            name='packets_pruned_at',
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddIndex(
            model_name='call',
            index=models.Index(fields=['ended_at'], name='call_by_end'),
        ),
        migrations.AddIndex(
            model_name='call',
            index=models.Index(condition=models.Q(('packets_pruned_at', None)), fields=['state_changed_at'], name='call_with_packets'),
        ),
        migrations.AddField(
            model_name='prunedrange',
            name='stream',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='pruned', to='calls.stream'),
        ),
        migrations.AddField(
            model_name='recording',
            name='call',
            field=models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='recording', to='calls.call'),
        ),
        migrations.AddConstraint(
            model_name='prunedrange',
            constraint=models.UniqueConstraint(fields=('stream', 'first_sequence'), name='one_range_per_begin'),
        ),
        migrations.AddIndex(
            model_name='recording',
            index=models.Index(fields=['file'], name='recording_by_file'),
        ),
        migrations.AddIndex(
            model_name='recording',
            index=models.Index(fields=['redacted_file'], name='recording_by_redacted_file'),
        ),
    ]
