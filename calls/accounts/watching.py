"""Tells open sockets when their login has ended. One query for all sockets of an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async
from django.contrib.sessions.models import Session
from django.db import Error as DatabaseError
from django.utils import timezone

LOOK_S = 2.0
# A login is valid as long as the account's password and state do not change. None: no account.
State = tuple[str | None, bool | None]


class _Login:
    """The sockets of one login, on one event loop."""

    def __init__(self, state: State | None) -> None:
        self.sockets = 0
        self.state = state  # None: the state at the first check counts
        self.changed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def compare(self, state: State | None) -> bool:
        """Return whether the login has changed or is gone."""
        before, self.state = self.state, state
        return state is None or before not in (None, state)


class _LoopWatch:
    """What one event loop watches."""

    def __init__(self) -> None:
        self._logins: dict[str, _Login] = {}
        self._looking: asyncio.Task[None] | None = None

    async def until_changed(self, key: str, known: State | None) -> None:
        login = self._logins.setdefault(key, _Login(known))
        login.state = login.state or known
        if known not in (None, login.state):
            return  # the others know a newer state
        login.sockets += 1
        if self._looking is None:
            self._looking = asyncio.create_task(self._look_again_and_again())
        try:
            # Shielded: the others wait for the same future.
            await asyncio.shield(login.changed)
        finally:
            login.sockets -= 1
            if not login.sockets and self._logins.get(key) is login:
                del self._logins[key]
            if not self._logins and self._looking:
                self._looking.cancel()
                self._looking = None

    async def _look_again_and_again(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self._look()
            except DatabaseError:
                continue  # a database outage does not end a login

    async def _look(self) -> None:
        asked = dict(self._logins)
        found = await database_sync_to_async(read_states)(asked)
        for key, login in asked.items():
            if login.compare(found.get(key)) and not login.changed.done():
                self._logins.pop(key, None)  # new waiters compare with the new state
                login.changed.set_result(None)


class Watch:
    """What all event loops of this process watch."""

    def __init__(self) -> None:
        self._loops: WeakKeyDictionary[asyncio.AbstractEventLoop, _LoopWatch] = WeakKeyDictionary()

    async def until_changed(self, key: str, known: State | None = None) -> None:
        """Wait until the session has ended, or its account got another password or state.

        ``known`` is the state at the last check; without it, that of the first check counts.
        """
        watched = self._loops.setdefault(asyncio.get_running_loop(), _LoopWatch())
        await watched.until_changed(key, known)


def state_of(user: Any) -> State | None:
    """Return the state of an account as it was loaded, or None if this is not an account."""
    password = getattr(user, "password", "")
    return (password, user.is_active) if password else None


def read_states(keys: Iterable[str]) -> dict[str, State]:
    """Return the state of each of these sessions that has not ended, by its key."""
    rows = Session.objects.filter(pk__in=list(keys), expire_date__gt=timezone.now())
    states = rows.values_list("pk", "login__user__password", "login__user__is_active")
    return {key: (password, is_active) for key, password, is_active in states}


watch = Watch()
