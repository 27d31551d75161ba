"""``manage.py qcluster``: runs a worker. Any number may run, on any number of machines."""

from typing import Any

from django.core.management.base import BaseCommand

from calls.worker.cluster import Worker


class Command(BaseCommand):
    help = (
        "Run a worker. It analyses finished calls and ends idle ones. To stop it, press Ctrl-C or "
        "send SIGTERM: calls that it is analysing are released without using up an attempt."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write("The worker is running. Press Ctrl-C to stop.")
        Worker().run()
        self.stdout.write("The worker has stopped.")
