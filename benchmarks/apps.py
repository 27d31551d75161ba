"""The app configuration: it lets manage.py find the benchmark commands."""

from django.apps import AppConfig


class BenchmarksConfig(AppConfig):
    name = "benchmarks"
