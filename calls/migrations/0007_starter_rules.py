"""Rules that most call centres want, to begin with. Each may be changed, disabled or deleted."""

from django.db import migrations

NOTICE, WARNING, CRITICAL = 1, 2, 3

RULES = [
    {
        "name": "Wants to cancel",
        "kind": "words",
        "severity": WARNING,
        "speaker": "customer",
        "phrases": (
            "cancel my*\ncancel the*\ncancel this\ncancellation\nclose my account\n"
            "end my contract\nterminate my*\nswitch to another\nswitching provider*"
        ),
    },
    {
        "name": "Asks for a supervisor",
        "kind": "words",
        "severity": CRITICAL,
        "speaker": "customer",
        "phrases": (
            "speak to a manager\nspeak to your manager\nspeak with a manager\ntalk to a manager\n"
            "talk to your manager\nspeak to a supervisor\nspeak to your supervisor\n"
            "talk to a supervisor\nyour supervisor\nyour boss\nfile a complaint\nmake a complaint"
        ),
    },
    {
        "name": "Threatens legal action",
        "kind": "words",
        "severity": CRITICAL,
        "speaker": "customer",
        "phrases": (
            "lawyer\nlawyers\nattorney\nsolicitor\nlegal action\ntake you to court\n"
            "see you in court\nsue you\nsuing\nombudsman\ntrading standards"
        ),
    },
    {
        "name": "Very unhappy customer",
        "kind": "sentiment",
        "severity": WARNING,
        "speaker": "customer",
        "limit": -2.5,
    },
    {"name": "Silence", "kind": "silence", "severity": WARNING, "limit": 45},
    {"name": "Packet loss", "kind": "loss", "severity": WARNING, "limit": 10},
    {"name": "Long call", "kind": "long_call", "severity": NOTICE, "limit": 1800},
    {"name": "Analysis failed", "kind": "analysis_failed", "severity": WARNING},
]


def create(apps, schema_editor):
    rules = apps.get_model("calls", "AlertRule").objects
    for rule in RULES:
        rules.get_or_create(name=rule["name"], defaults=rule)


class Migration(migrations.Migration):
    dependencies = [("calls", "0006_alerts_and_webhooks")]
    operations = [migrations.RunPython(create, migrations.RunPython.noop)]
