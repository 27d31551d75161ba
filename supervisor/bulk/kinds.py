"""The bulk actions that a person may start."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser, User

from calls.actions import ACTIONS, IN_BULK

PERMISSIONS = tuple(dict.fromkeys(ACTIONS[name].permission for name in IN_BULK))


def offered_kinds(user: User | AnonymousUser) -> list[tuple[str, str]]:
    """Return the name and title of each action that this person may start."""
    return [
        (name, words.title)
        for name, words in IN_BULK.items()
        if user.has_perm(ACTIONS[name].permission)
    ]
