"""Legal holds, and the mark of calls that are being deleted."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from calls.groups import grant_new_permissions


def let_auditors_read(apps, schema_editor):
    grant_new_permissions(apps, schema_editor.connection.alias, "Auditor", ("view_legalhold",))


class Migration(migrations.Migration):

    dependencies = [
        ('calls', '0047_people'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='call',
            options={'ordering': ['-id'], 'permissions': [('operate_call', 'Can end, retry and reanalyse calls'), ('view_unredacted', 'Can read transcripts with personal data in them'), ('listen_call', 'Can listen to live calls'), ('view_all_calls', 'Can see calls of all teams'), ('view_own_calls', 'Can see own calls, as the agent of the account'), ('hold_call', 'Can set and release legal holds')]},
        ),
        migrations.AddField(
            model_name='call',
            name='deleting_since',
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.CreateModel(
            name='LegalHold',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.CharField(blank=True, default='', max_length=200)),
                ('reason', models.CharField(max_length=300)),
                ('set_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('set_by', models.CharField(blank=True, default='', max_length=150)),
                ('released_at', models.DateTimeField(null=True)),
                ('released_by', models.CharField(blank=True, default='', max_length=150)),
                ('call', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='holds', to='calls.call')),
            ],
            options={
                'ordering': ['-id'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('released_at', None), ('call__isnull', False)), fields=('call',), name='one_hold_per_call'), models.UniqueConstraint(condition=models.Q(('released_at', None), models.Q(('number', ''), _negated=True)), fields=('number',), name='one_hold_per_number')],
            },
        ),
        migrations.RunPython(let_auditors_read, migrations.RunPython.noop),
    ]
