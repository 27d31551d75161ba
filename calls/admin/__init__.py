"""The Django admin: view what is stored, and act on it through the services.

alerts       Alert rules and alerts.
analysis     Workers, providers, and the site's own questions.
annotations  Tags and notes, shown on the page of a call.
bulk         Bulk actions.
calls        Calls and the actions on them.
display      How values look: times, states, ids and errors.
jobs         Background jobs.
logins       Failed logins, lock-outs and logins.
keys         API keys.
lists        Base classes: lists of millions of rows without counting, and read-only pages.
listening    Who listened to live calls, and when.
notifications  Who is told of alerts, with a test, and the deliveries.
receivers    What the pages of webhooks and of notification targets have in common.
records      Packets, events, attempts, transcripts, analyses and recordings.
rule_form    The form of an alert rule: lists of known names, and rows for conditions.
users        Users and groups.
walls        Displays of the wall screen, and the limits that colour its tiles.
webhooks     Webhook endpoints and deliveries.
"""

from calls.admin import (
    alerts,
    analysis,
    annotations,
    bulk,
    calls,
    jobs,
    keys,
    listening,
    logins,
    notifications,
    records,
    users,
    walls,
    webhooks,
)

__all__ = [
    "alerts",
    "analysis",
    "annotations",
    "bulk",
    "calls",
    "jobs",
    "keys",
    "listening",
    "logins",
    "notifications",
    "records",
    "users",
    "walls",
    "webhooks",
]
