"""Health checks, metrics, and samples for the charts.

alerts    Metrics and notes about alerts, webhooks and notifications.
health    ``/healthz`` and ``/readyz``.
metrics   ``/metrics``, for Prometheus.
overview  The same facts and the last errors at a glance, for the home page of the admin.
samples   One row per minute about how busy the site is.
"""
