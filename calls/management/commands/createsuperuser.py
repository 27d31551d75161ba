"""``manage.py createsuperuser``: Django's, with an entry in the audit log."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.management.commands import createsuperuser

from calls.audit.record import record_change
from calls.management.accounts import saving_together
from calls.models import AuditAction


class Command(createsuperuser.Command):
    help = "Create an account that may do everything."

    def handle(self, *args: Any, **options: Any) -> None:
        with saving_together(lambda user: record_change(AuditAction.ADD, user)):
            super().handle(*args, **options)
