"""``manage.py changepassword``: Django's, with an entry in the audit log. It ends all logins."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.management.commands import changepassword

from calls.accounts.passwords import note_new_password
from calls.management.accounts import saving_together


class Command(changepassword.Command):
    help = "Change the password of an account. All its logins end."

    def handle(self, *args: Any, **options: Any) -> None:
        with saving_together(note_new_password):
            super().handle(*args, **options)
