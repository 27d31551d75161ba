"""Who acts: a person, a key, a command, or this system itself."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from calls.models import AuditEntry
from calls.proxies import client_address

KEY_PREFIX, COMMAND_PREFIX = "key ", "manage.py"
# What services write as ``by`` when nobody asked for it.
AUTOMATIC = ("automatic retry ", "late packets")
Kind = AuditEntry.ActorKind


@dataclass(frozen=True, slots=True)
class Actor:
    """``name`` is the user name, or the name of the key or command."""

    kind: str
    name: str = ""
    address: str = ""


SYSTEM = Actor(Kind.SYSTEM)
_acting: ContextVar[HttpRequest | Actor | None] = ContextVar("acting", default=None)


@contextmanager
def acting_as(who: HttpRequest | Actor) -> Iterator[None]:
    """Name the actor of everything that happens inside.

    Of a request, the user is read only when an entry is written: the API authenticates late.
    """
    token = _acting.set(who)
    try:
        yield
    finally:
        _acting.reset(token)


def current_request() -> HttpRequest | None:
    who = _acting.get()
    return who if isinstance(who, HttpRequest) else None


def find_actor(by: str = "") -> Actor:
    """Return who acts now. Outside a request, the name that the service was given decides."""
    who = _acting.get()
    if isinstance(who, HttpRequest):
        return actor_of(who)
    return who or actor_named(by)


def actor_of(request: HttpRequest) -> Actor:
    address = client_address(request)
    user: Any = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return Actor(Kind.ANYONE, "", address)
    if hasattr(user, "get_username"):
        return Actor(Kind.PERSON, user.get_username(), address)
    return Actor(Kind.KEY, user.name, address)


def actor_named(by: str) -> Actor:
    """Return the actor behind a ``by`` of the services."""
    if not by or by.startswith(AUTOMATIC):
        return Actor(Kind.SYSTEM, by)
    if by.startswith(COMMAND_PREFIX):
        return command_actor()
    if by.startswith(KEY_PREFIX):
        return Actor(Kind.KEY, by.removeprefix(KEY_PREFIX))
    return Actor(Kind.PERSON, by)


def command_actor() -> Actor:
    """Return the person at the terminal, if the system knows the name."""
    try:
        return Actor(Kind.COMMAND, f"{COMMAND_PREFIX} ({getpass.getuser()})")
    except (KeyError, OSError):  # a container may have no name for its user
        return Actor(Kind.COMMAND, COMMAND_PREFIX)
