"""The audit log, and triggers that refuse to change it."""

import django.utils.timezone
from django.db import migrations, models

from calls.groups import grant_new_permissions



FUNCTION = """
CREATE FUNCTION calls_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_TABLE_NAME = 'calls_auditcut' THEN
    IF TG_OP = 'UPDATE' AND NEW.sequence > OLD.sequence THEN RETURN NEW; END IF;
  ELSIF TG_OP = 'DELETE' THEN
    IF OLD.sequence <= (SELECT max(sequence) FROM calls_auditcut) THEN RETURN OLD; END IF;
  ELSE
    -- An entry gets its place in the chain once, and the id of its call can be erased.
    IF to_jsonb(NEW) - ARRAY['sequence', 'digest', 'call_id']
         = to_jsonb(OLD) - ARRAY['sequence', 'digest', 'call_id']
       AND (OLD.sequence IS NULL OR (NEW.sequence = OLD.sequence AND NEW.digest = OLD.digest))
       AND (NEW.call_id = OLD.call_id OR NEW.call_id = '')
    THEN RETURN NEW; END IF;
  END IF;
  RAISE EXCEPTION 'The audit log is append-only.' USING ERRCODE = 'restrict_violation';
END $$
"""
POSTGRES = [
    FUNCTION,
    "CREATE TRIGGER audit_entry_stays BEFORE UPDATE OR DELETE ON calls_auditentry"
    " FOR EACH ROW EXECUTE FUNCTION calls_audit_refuse()",
    "CREATE TRIGGER audit_cut_stays BEFORE UPDATE OR DELETE ON calls_auditcut"
    " FOR EACH ROW EXECUTE FUNCTION calls_audit_refuse()",
]
_REFUSE = "BEGIN SELECT RAISE(ABORT, 'The audit log is append-only.'); END"
_FIXED = "at, actor_kind, actor, address, action, object_kind, object_id, call_digest, details, id"
# A migration that rebuilds the table has to create these triggers again.
SQLITE = [
    f"CREATE TRIGGER audit_entry_stays BEFORE UPDATE OF {_FIXED} ON calls_auditentry {_REFUSE}",
    "CREATE TRIGGER audit_place_stays BEFORE UPDATE OF sequence, digest ON calls_auditentry"
    f" WHEN OLD.sequence IS NOT NULL {_REFUSE}",
    "CREATE TRIGGER audit_call_stays BEFORE UPDATE OF call_id ON calls_auditentry"
    f" WHEN NEW.call_id <> '' {_REFUSE}",
    "CREATE TRIGGER audit_entry_remains BEFORE DELETE ON calls_auditentry"
    " WHEN OLD.sequence IS NULL"
    f" OR OLD.sequence > coalesce((SELECT max(sequence) FROM calls_auditcut), 0) {_REFUSE}",
    "CREATE TRIGGER audit_cut_stays BEFORE UPDATE ON calls_auditcut"
    f" WHEN NEW.sequence <= OLD.sequence {_REFUSE}",
    f"CREATE TRIGGER audit_cut_remains BEFORE DELETE ON calls_auditcut {_REFUSE}",
]


def refuse_changes(apps, schema_editor):
    statements = POSTGRES if schema_editor.connection.vendor == "postgresql" else SQLITE
    for statement in statements:
        schema_editor.execute(statement)


def allow_changes(apps, schema_editor):
    # The triggers go with their tables.
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION calls_audit_refuse CASCADE")


def let_auditors_read(apps, schema_editor):
    grant_new_permissions(apps, schema_editor.connection.alias, "Auditor", ("view_auditentry",))


class Migration(migrations.Migration):

    dependencies = [
        ('calls', '0041_groups'),
    ]

    operations = [
        migrations.CreateModel(
            name='AuditCut',
            fields=[
                ('id', models.PositiveSmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
                ('sequence', models.BigIntegerField()),
                ('digest', models.CharField(max_length=64)),
                ('at', models.DateTimeField()),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='AuditEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('actor_kind', models.CharField(choices=[('person', 'Person'), ('key', 'API key'), ('display', 'Display'), ('command', 'Command'), ('system', 'This system'), ('anyone', 'Nobody known')], max_length=8)),
                ('actor', models.CharField(blank=True, default='', max_length=150)),
                ('address', models.CharField(blank=True, default='', max_length=64)),
                ('action', models.CharField(max_length=32)),
                ('object_kind', models.CharField(blank=True, default='', max_length=32)),
                ('object_id', models.CharField(blank=True, default='', max_length=64)),
                ('call_id', models.CharField(blank=True, default='', max_length=128)),
                ('call_digest', models.CharField(blank=True, default='', max_length=64)),
                ('details', models.JSONField(default=dict)),
                ('sequence', models.BigIntegerField(null=True, unique=True)),
                ('digest', models.CharField(blank=True, default='', max_length=64)),
            ],
            options={
                'verbose_name_plural': 'audit entries',
                'ordering': ['-id'],
                'default_permissions': ('view',),
                'indexes': [models.Index(condition=models.Q(('call_id', ''), _negated=True), fields=['call_id', '-id'], name='audit_by_call'), models.Index(fields=['actor', '-id'], name='audit_by_actor'), models.Index(fields=['action', '-id'], name='audit_by_action'), models.Index(fields=['at'], name='audit_by_time'), models.Index(condition=models.Q(('sequence', None)), fields=['id'], name='audit_unsealed')],
            },
        ),
        migrations.RunPython(refuse_changes, allow_changes),
        migrations.RunPython(let_auditors_read, migrations.RunPython.noop),
    ]
