"""Erasures: what is to be erased, and the ledger."""

import django.db.models.deletion
import django.utils.timezone
import uuid
from django.db import migrations, models

from calls.groups import grant_new_permissions


def let_auditors_read(apps, schema_editor):
    grant_new_permissions(apps, schema_editor.connection.alias, "Auditor", ("view_erasure",))


class Migration(migrations.Migration):

    dependencies = [
        ('calls', '0051_custom_fields'),
    ]

    operations = [
        migrations.CreateModel(
            name='Erasure',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('reason', models.CharField(max_length=300)),
                ('by', models.CharField(blank=True, default='', max_length=150)),
                ('asked_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('finished_at', models.DateTimeField(null=True)),
                ('numbers', models.JSONField(default=list)),
                ('number_digests', models.JSONField(default=list)),
                ('call_digests', models.JSONField(default=list)),
                ('counts', models.JSONField(default=dict)),
                ('is_again', models.BooleanField(default=False)),
            ],
            options={
                'ordering': ['-asked_at'],
                'permissions': [('erase_call', 'Can erase personal data for good')],
                'default_permissions': ('view',),
            },
        ),
        migrations.CreateModel(
            name='ErasureItem',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('call_id', models.CharField(max_length=128)),
                ('rows_are_gone', models.BooleanField(default=False)),
                ('files', models.JSONField(default=list)),
                ('is_done', models.BooleanField(default=False)),
                ('erasure', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='items', to='calls.erasure')),
            ],
            options={
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('erasure', 'call_id'), name='one_item_per_erased_call')],
            },
        ),
        migrations.RunPython(let_auditors_read, migrations.RunPython.noop),
    ]
