"""What the commands about accounts share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models.signals import post_save, pre_save

from calls.audit.actors import acting_as, command_actor


@contextmanager
def saving_together(consequence: Callable[[Any], object]) -> Iterator[None]:
    """Save each account inside together with a consequence, in the name of the terminal's user.

    A transaction around Django's whole command would stay open while people type, and on SQLite
    block every other writer.
    """
    model = get_user_model()
    with acting_as(command_actor()), ExitStack() as saving:

        def begin(**_: Any) -> None:
            saving.enter_context(transaction.atomic())

        def finish(instance: Any, **_: Any) -> None:
            consequence(instance)
            saving.close()

        pre_save.connect(begin, sender=model)
        post_save.connect(finish, sender=model)
        try:
            yield
        finally:
            pre_save.disconnect(begin, sender=model)
            post_save.disconnect(finish, sender=model)
