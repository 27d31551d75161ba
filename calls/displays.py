"""Displays of the wall screen: creates, revokes and checks them."""

from __future__ import annotations

import hashlib
import logging
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from calls.audit.actors import command_actor, find_actor
from calls.audit.record import record_audit
from calls.models import AuditAction, DisplayScreen

log = logging.getLogger(__name__)
# The check of open sockets runs more often than this; each write of a display is this far apart.
SEEN_EVERY = timedelta(seconds=20)


def create_display(*, name: str, by: str = "", **options: Any) -> tuple[DisplayScreen, str]:
    """Store a new display. Return it with its token, which cannot be recovered later.

    ``options`` are fields of DisplayScreen. Raises ValidationError, by field.
    """
    token = secrets.token_urlsafe(32)
    screen = DisplayScreen(name=name, digest=digest(token), created_by=by, **options)
    screen.full_clean()
    with transaction.atomic():
        screen.save()
        _audit(AuditAction.ADD, screen, by)
    log.info("display %s (%s) was created by %s", screen.pk, screen, by or "a command")
    return screen, token


def _audit(action: AuditAction, screen: DisplayScreen, by: str) -> None:
    actor = find_actor(by) if by else command_actor()
    name = {"name": str(screen)}
    record_audit(action, object_kind="display", object_id=screen.pk, details=name, actor=actor)


def revoke_display(screen: DisplayScreen, *, by: str = "") -> bool:
    """Revoke a display permanently. Return False if it was revoked already.

    Its page is refused at once, and its open sockets close within half a minute.
    """
    valid = DisplayScreen.objects.valid().filter(pk=screen.pk)
    with transaction.atomic():
        revoked = bool(valid.update(revoked_at=timezone.now()))
        if revoked:
            _audit(AuditAction.REMOVE, screen, by)
    if revoked:
        log.info("display %s (%s) was revoked by %s", screen.pk, screen, by or "a command")
    return revoked


def find_display(token: str) -> DisplayScreen | None:
    """Return the valid display with this token."""
    return DisplayScreen.objects.valid().filter(digest=digest(token)).first()


def note_seen(screen: DisplayScreen, *, at: datetime) -> None:
    """Record that a display is on. Writes nothing if that was recorded a moment ago."""
    if screen.seen_at is None or at - screen.seen_at >= SEEN_EVERY:
        DisplayScreen.objects.filter(pk=screen.pk).update(seen_at=at)


def digest(token: str) -> str:
    """Hash a token. It has 256 random bits, so a fast hash is as safe as a slow one."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


def site_address() -> str:
    """Return the probable address of this site, for a command that cannot know it."""
    host = next((name for name in settings.ALLOWED_HOSTS if name[0] not in ".*"), "localhost")
    if settings.LOCAL:
        return "http://localhost:8000"
    return f"{'https' if settings.HTTPS else 'http'}://{host}"
