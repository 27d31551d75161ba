"""Records logins, logouts, failed logins and lock-outs."""

from __future__ import annotations

from typing import Any

from axes.signals import user_locked_out
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.http import HttpRequest

from calls.audit.actors import Actor, Kind, actor_of
from calls.audit.record import record_audit
from calls.models import AuditAction


def connect() -> None:
    user_logged_in.connect(_logged_in, dispatch_uid="audit")
    user_logged_out.connect(_logged_out, dispatch_uid="audit")
    user_login_failed.connect(_failed, dispatch_uid="audit")
    user_locked_out.connect(_locked_out, dispatch_uid="audit")


def _record(action: str, kind: str, name: str, request: HttpRequest | None) -> None:
    address = actor_of(request).address if request else ""
    record_audit(action, actor=Actor(kind, name, address))


def _logged_in(request: HttpRequest | None = None, user: Any = None, **_: Any) -> None:
    _record(AuditAction.SIGN_IN, Kind.PERSON, user.get_username(), request)


def _logged_out(request: HttpRequest | None = None, user: Any = None, **_: Any) -> None:
    if user is not None:
        _record(AuditAction.SIGN_OUT, Kind.PERSON, user.get_username(), request)


def _failed(
    credentials: dict[str, Any] | None = None, request: HttpRequest | None = None, **_: Any
) -> None:
    # The text may not be a username: it may be a password in the wrong field.
    name = str((credentials or {}).get("username") or "").replace("\0", "")
    _record(AuditAction.SIGN_IN_FAILED, Kind.ANYONE, name, request)


def _locked_out(request: HttpRequest | None = None, username: str = "", **_: Any) -> None:
    name = str(username or "").replace("\0", "")
    _record(AuditAction.LOCKED_OUT, Kind.ANYONE, name, request)
