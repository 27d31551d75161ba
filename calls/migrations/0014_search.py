"""The words of each call, and the index over them. Calls that are there get theirs by the sweep."""

import calls.models.search
import django.db.models.deletion
from django.db import migrations, models

POSTGRES = [
    "CREATE INDEX search_by_word ON calls_searchentry USING gin (words)",
    "CREATE VIEW calls_fulltext AS SELECT call_id AS rowid, words FROM calls_searchentry",
]
# Words come ready, between spaces: `ascii` leaves everything beyond ASCII as it is. The index keeps
# no text of its own; to take an entry out of it, FTS5 has to be told what was in it. A migration
# that rebuilds the table of the entries has to create these triggers again.
_TAKE_OUT = (
    "INSERT INTO calls_fulltext (calls_fulltext, rowid, words)"
    " VALUES ('delete', OLD.call_id, OLD.words);"
)
_PUT_IN = "INSERT INTO calls_fulltext (rowid, words) VALUES (NEW.call_id, NEW.words);"
SQLITE = [
    "CREATE VIRTUAL TABLE calls_fulltext USING fts5("
    "words, content='calls_searchentry', content_rowid='call_id', tokenize='ascii')",
    "CREATE TRIGGER search_entry_made AFTER INSERT ON calls_searchentry"
    f" BEGIN {_PUT_IN} END",
    "CREATE TRIGGER search_entry_gone AFTER DELETE ON calls_searchentry"
    f" BEGIN {_TAKE_OUT} END",
    "CREATE TRIGGER search_entry_changed AFTER UPDATE ON calls_searchentry"
    f" BEGIN {_TAKE_OUT} {_PUT_IN} END",
]


def make_index(apps, schema_editor):
    statements = POSTGRES if schema_editor.connection.vendor == "postgresql" else SQLITE
    for statement in statements:
        schema_editor.execute(statement)


def drop_index(apps, schema_editor):
    # What belongs to the table of the entries goes with it.
    kind = "VIEW" if schema_editor.connection.vendor == "postgresql" else "TABLE"
    schema_editor.execute(f"DROP {kind} calls_fulltext")


class Migration(migrations.Migration):

    dependencies = [
        ('calls', '0013_analysis_operation'),
    ]

    operations = [
        migrations.CreateModel(
            name='FullText',
            fields=[
                ('call', models.OneToOneField(db_column='rowid', on_delete=django.db.models.deletion.DO_NOTHING, primary_key=True, related_name='full_text', serialize=False, to='calls.call')),
                ('words', calls.models.search.WordsField()),
            ],
            options={
                'db_table': 'calls_fulltext',
                'managed': False,
            },
        ),
        migrations.CreateModel(
            name='SearchEntry',
            fields=[
                ('call', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='search_entry', serialize=False, to='calls.call')),
                ('version', models.PositiveIntegerField()),
                ('edition', models.PositiveSmallIntegerField()),
                ('words', calls.models.search.WordsField()),
            ],
            options={
                'verbose_name_plural': 'search entries',
            },
        ),
        migrations.RunPython(make_index, drop_index),
    ]
