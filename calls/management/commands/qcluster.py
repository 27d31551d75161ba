"""`manage.py qcluster`: the worker. Any number may run, on any number of machines."""

from typing import Any

from django.core.management.base import BaseCommand

from calls.worker import Worker


class Command(BaseCommand):
    help = (
        "Run a worker: it analyses finished calls and sweeps for idle ones. Stop it with SIGTERM "
        "or Ctrl-C: calls in hand are given back without using up an attempt."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write("The worker is running. Ctrl-C stops it.")
        Worker().run()
        self.stdout.write("The worker has stopped.")
