"""Changes passwords, and ends the sessions that the old one opened."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import update_session_auth_hash
from django.db import transaction
from django.http import HttpRequest

from calls.accounts.login_log import log
from calls.accounts.sessions import end_sessions, open_session
from calls.audit.record import record_change
from calls.models import AuditAction, LoginSession


@transaction.atomic
def change_password(request: HttpRequest, *, user: Any, password: str) -> int:
    """Change one's own password. This login stays. Return how many others were ended."""
    here = LoginSession.objects.filter(session_id=request.session.session_key).first()
    user.set_password(password)
    user.save(update_fields=["password"])
    ended = end_sessions(user, but=request.session.session_key)
    update_session_auth_hash(request, user)  # gives this session another key
    open_session(request, user, since=here.logged_in_at if here else None)
    record_change(AuditAction.PASSWORD, user)
    log.info("%r changed the password, which ended %d other logins", user.get_username(), ended)
    return ended


@transaction.atomic
def set_password(*, user: Any, password: str) -> None:
    """Set the password of somebody who is not logged in, or by an administrator."""
    user.set_password(password)
    user.save(update_fields=["password"])
    note_new_password(user)


def note_new_password(user: Any) -> None:
    """End all logins, and record the new password. Call inside the transaction that stores it."""
    end_sessions(user)
    record_change(AuditAction.PASSWORD, user)
    log.info("the password of %r was set, which ended all logins", user.get_username())
