"""Which process watches, and how far it has come: rows that outlive it."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Q

from calls.clock import database_now
from calls.models import Watch

LEASE_S = 10


def hold(name: str, *, owner: str) -> bool:
    """Take or prolong the lease of a watch; False while another process holds it."""
    now = database_now()
    free = Q(owner=owner) | Q(lease_expires_at=None) | Q(lease_expires_at__lte=now)
    until = now + timedelta(seconds=LEASE_S)
    return bool(Watch.objects.filter(free, name=name).update(owner=owner, lease_expires_at=until))


def let_go(name: str, *, owner: str) -> None:
    Watch.objects.filter(name=name, owner=owner).update(owner="", lease_expires_at=None)


def open_watch(name: str, *, start: int) -> int:
    """Return where the watch stands; one that is new begins at ``start``."""
    watch, _ = Watch.objects.get_or_create(name=name, defaults={"position": start})
    return watch.position


def advance(name: str, position: int) -> None:
    """Move on, never back: a process that was thought dead may write late."""
    Watch.objects.filter(name=name, position__lt=position).update(position=position)
