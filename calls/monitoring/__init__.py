"""Health checks, metrics, and samples for the charts.

alerts       Metrics and notes about alerts, webhooks and notifications.
health       ``/healthz`` and ``/readyz``.
log_context  Fields of every line of the log, such as the id of a request.
metrics      ``/metrics``, for Prometheus.
processes    What all processes have counted, in the form of prometheus-client.
overview     The same facts, and the last errors, for the home page of the admin.
samples      One row per minute about how busy the site is.
visits       What the site saw of a request, for `manage.py doctor`.
"""
