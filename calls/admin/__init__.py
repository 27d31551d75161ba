"""The Django admin: look at what is stored, and act on it through the services.

alerts       alert rules and alerts
analysis     providers, workers, pauses, and the site's own questions
annotations  tags and notes, shown on the page of a call
bulk         bulk actions
calls        calls, and what can be done to them
keys         API keys
lists        lists of millions of rows, without counting them
records      packets, events, attempts, transcripts, analyses and recordings
webhooks     webhook endpoints and deliveries
"""

from calls.admin import alerts, analysis, annotations, bulk, calls, keys, records, webhooks

__all__ = ["alerts", "analysis", "annotations", "bulk", "calls", "keys", "records", "webhooks"]
