"""The Django admin: view what is stored, and act on it through the services.

access/      Who may come in: users, groups, logins and API keys.
agent_import Imports agents and teams from CSV.
alerts       Alert rules and alerts.
analysis     Workers, providers, and the site's own questions.
annotations  Tags and notes, shown on the call page, and custom fields.
audited      Records what is added, changed, deleted and run in the admin.
bulk         Bulk actions.
calls        Calls and the actions on them.
display      How values look: times, states, ids and errors.
jobs         Background jobs.
lists        Base classes: lists of millions of rows without counting, and read-only pages.
listening    Who listened to live calls, and when.
messages/    Webhooks, notification targets, and their deliveries.
people       Agents and teams.
privacy/     The audit log, legal holds and erasures.
records      Packets, events, attempts, transcripts, analyses and recordings.
rule_form    The form of an alert rule: lists of known names, and rows for conditions.
walls        Displays of the wall screen, and the limits that colour its tiles.
"""

from calls.admin import (
    access,
    alerts,
    analysis,
    annotations,
    bulk,
    calls,
    jobs,
    listening,
    messages,
    people,
    privacy,
    records,
    walls,
)

__all__ = [
    "access",
    "alerts",
    "analysis",
    "annotations",
    "bulk",
    "calls",
    "jobs",
    "listening",
    "messages",
    "people",
    "privacy",
    "records",
    "walls",
]
