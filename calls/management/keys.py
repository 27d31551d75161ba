"""What the commands about API keys share."""

from __future__ import annotations

from datetime import datetime

from django.core.management.base import CommandError

from calls.audit.actors import command_actor
from calls.audit.record import record_change
from calls.models import ApiKey, AuditAction


def find_key(prefix: str) -> ApiKey:
    """Find a key by its prefix. Raises CommandError."""
    # People copy the start of the key itself, where cc_ stands before the prefix.
    key = ApiKey.objects.filter(prefix=prefix.removeprefix("cc_")).first()
    if key is None:
        raise CommandError(f"There is no key with the prefix {prefix!r}. See list_api_keys.")
    return key


def note_by_command(action: AuditAction, key: ApiKey, *fields: str) -> None:
    """Record in the audit log what a command did to a key. Call inside its transaction."""
    record_change(action, key, fields, actor=command_actor())


def standing_of(key: ApiKey, now: datetime) -> str:
    if key.revoked_at:
        return f"revoked {key.revoked_at:%F %H:%M}"
    if key.expires_at is None:
        return "valid"
    return f"{'expired' if key.has_expired(now) else 'expires'} {key.expires_at:%F %H:%M}"
