"""Health checks, metrics, and samples for the charts.

alerts   Metrics and notes about alerts and webhooks.
health   ``/healthz`` and ``/readyz``.
metrics  ``/metrics``, for Prometheus.
samples  One row per minute about how busy the site is.
"""
