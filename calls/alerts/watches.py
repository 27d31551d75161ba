"""Leases and positions of the watches, in the database, so that they outlive the process."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Q

from calls.clock import database_now
from calls.models import Watch

LEASE_S = 10


def acquire_lease(name: str, *, owner: str) -> bool:
    """Take or extend the lease of a watch. Returns False while another process holds it."""
    # One clock for the processes of all machines.
    now = database_now()
    free = Q(owner=owner) | Q(lease_expires_at=None) | Q(lease_expires_at__lte=now)
    until = now + timedelta(seconds=LEASE_S)
    # Check and change in one statement, so two processes cannot both succeed.
    return bool(Watch.objects.filter(free, name=name).update(owner=owner, lease_expires_at=until))


def release_lease(name: str, *, owner: str) -> None:
    Watch.objects.filter(name=name, owner=owner).update(owner="", lease_expires_at=None)


def open_watch(name: str, *, start: int) -> int:
    """Return the position of the watch. A new watch starts at ``start``."""
    watch, _ = Watch.objects.get_or_create(name=name, defaults={"position": start})
    return watch.position


def advance(name: str, position: int) -> None:
    """Move forward, never back: a process whose lease has expired may still write."""
    Watch.objects.filter(name=name, position__lt=position).update(position=position)
