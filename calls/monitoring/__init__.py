"""Health checks, metrics, and samples for the charts.

alerts   What monitoring is told of alerts and webhooks: what is open, what was delivered
health   What monitoring asks: is the process alive, is the service ready, and how are the figures?
metrics  Figures for Prometheus.
samples  Samples how busy the site is, once a minute: a few counts by index, and one row.
"""
