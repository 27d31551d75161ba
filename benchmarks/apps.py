"""Makes the benchmarks an app, so that manage.py finds their commands."""

from django.apps import AppConfig


class BenchmarksConfig(AppConfig):
    name = "benchmarks"
