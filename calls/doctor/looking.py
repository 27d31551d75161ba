"""Reads the facts of this machine, its settings and its database."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from django.conf import settings
from django.core.mail import get_connection
from django.db import Error as DatabaseError
from django.db import connection
from django.utils import timezone

from calls.accounts.provider import ProviderDown, find_endpoints, forget_endpoints
from calls.accounts.sign_on import unknown_groups
from calls.analysis.live.status import FRESH
from calls.analysis.providers.local.sentences import embedding_problem
from calls.analysis.providers.local.speechmodel import SpeechUnavailable, find_model
from calls.analysis.providers.registry import missing_packages
from calls.analysis.recording.files import find_storage_problem
from calls.analysis.status import read_load, read_status
from calls.clock import database_now
from calls.doctor.facts import (
    DatabaseFacts,
    Facts,
    HostFacts,
    ProviderFacts,
    ServiceFacts,
    SignOnFacts,
)
from calls.erasure.again import is_restored
from calls.models import ApiKey, ListenerReport, NotificationTarget
from calls.monitoring.health import pending_migrations
from calls.monitoring.overview import count_failed_jobs, read_media_space

PROVIDER_PATIENCE_S = 10.0
POSTGRES_SETTINGS = ("fsync", "full_page_writes", "synchronous_commit")
SQLITE_SETTINGS = ("synchronous", "journal_mode")


def read_facts() -> Facts:
    """Check everything. Without the database, the state of the service is unknown."""
    database = _database()
    is_readable = not database.error and not database.pending_migrations
    return Facts(
        database=database,
        service=_service() if is_readable else None,
        host=_host(mail_needed=is_readable and _needs_mail()),
        provider=_provider(),
        sign_on=SignOnFacts(
            errors=_sign_on_errors(),
            unknown_groups=tuple(unknown_groups()) if is_readable else (),
        ),
    )


def _database() -> DatabaseFacts:
    try:
        begun_at, now = timezone.now(), database_now()
        return DatabaseFacts(
            vendor=connection.vendor,
            version=_version(),
            settings=_settings(),
            pending_migrations=pending_migrations(),
            clock_skew_s=_skew_s(begun_at, now, timezone.now()),
            free_bytes=_database_space(),
        )
    except (DatabaseError, OSError) as error:
        return DatabaseFacts(vendor=connection.vendor, error=str(error).strip() or repr(error))


def _version() -> tuple[int, ...]:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_version_num")
            number = int(cursor.fetchone()[0])
        return number // 10_000, number % 10_000
    return tuple(int(part) for part in _ask("SELECT sqlite_version()").split("."))


def _ask(statement: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return str(cursor.fetchone()[0])


def _settings() -> dict[str, str]:
    if connection.vendor == "postgresql":
        return {name: _ask(f"SHOW {name}") for name in POSTGRES_SETTINGS}
    return {name: _ask(f"PRAGMA {name}") for name in SQLITE_SETTINGS}


def _skew_s(before: datetime, there: datetime, after: datetime) -> float:
    """Return how far this clock is ahead, less what the duration of the query may explain."""
    if before <= there <= after:
        return 0.0
    return (before - there if there < before else after - there).total_seconds()


def _database_space() -> int | None:
    if connection.vendor != "sqlite":
        return None
    return shutil.disk_usage(Path(str(connection.settings_dict["NAME"])).parent).free


def _service() -> ServiceFacts:
    now = database_now()
    standing = read_status(now=now)
    keys = ApiKey.objects.filter(revoked_at=None).exclude(expires_at=None)
    return ServiceFacts(
        workers=standing.workers,
        silent_s=standing.silent_s,
        live_transcription=settings.LIVE_TRANSCRIPTION,
        listeners=ListenerReport.objects.filter(seen_at__gte=now - FRESH).count(),
        oldest_s=max(one.oldest_s for one in read_load(now=now)),
        is_paused=standing.pause is not None,
        failed_jobs=count_failed_jobs(),
        **_erasures(),
        expired_keys=tuple(str(key) for key in keys if key.has_expired(now)),
        expiring_keys=tuple(str(key) for key in keys if key.expires_soon(now)),
    )


def _erasures() -> dict[str, Any]:
    try:
        return {"is_restored": is_restored()}
    except (OSError, ValueError) as error:
        return {"ledger_error": str(error)}


def _needs_mail() -> bool:
    mail = NotificationTarget.objects.filter(enabled=True, kind=NotificationTarget.Kind.EMAIL)
    return mail.exists()


def _host(*, mail_needed: bool) -> HostFacts:
    media = read_media_space()
    uses_mail = not settings.EMAIL_BACKEND.endswith("dummy.EmailBackend")
    return HostFacts(
        is_local=settings.LOCAL,
        secret_key=settings.SECRET_KEY,
        https=settings.HTTPS,
        debug=settings.DEBUG,
        site_url=settings.SITE_URL,
        storage_problem=find_storage_problem(),
        media_free_bytes=media.free if media else None,
        static_collected=(Path(settings.STATIC_ROOT) / "staticfiles.json").is_file(),
        mail_needed=mail_needed,
        mail_configured=uses_mail,
        mail_error=_mail_error() if uses_mail else "",
    )


def _mail_error() -> str:
    mail = get_connection()
    try:
        mail.open()
        mail.close()
    except OSError as error:  # smtplib's errors are OSErrors, too
        return str(error) or repr(error)
    return ""


def _sign_on_errors() -> dict[str, str]:
    found = {}
    if settings.SIGN_ON.oidc.is_on:
        found["OpenID provider"] = _oidc_error()
    if settings.SIGN_ON.directory.is_on:
        from calls.accounts.directory import find_problem  # needs packages of its own

        found["directory"] = find_problem()
    return found


def _oidc_error() -> str:
    forget_endpoints()
    try:
        find_endpoints()
    except ProviderDown as error:
        return str(error)
    return ""


def _provider() -> ProviderFacts:
    name = settings.AI_PROVIDER
    if name == "local":
        missing = missing_packages()
        return ProviderFacts(name=name, missing=missing, model_problems=_model_problems(missing))
    return ProviderFacts(name=name, error=_openai_error() if name == "openai" else "")


def _model_problems(missing: tuple[str, ...]) -> tuple[str, ...]:
    problems = [] if missing else [embedding_problem()]
    try:
        if not missing:
            find_model(Path(settings.STT_MODEL_DIR) if settings.STT_MODEL_DIR else None)
    except SpeechUnavailable as error:
        problems.append(str(error))
    return tuple(filter(None, problems))


def _openai_error() -> str:
    headers = {"Authorization": f"Bearer {settings.OPENAI_API_KEY}"}
    try:
        found = httpx.get(
            f"{settings.OPENAI_BASE_URL}/models", headers=headers, timeout=PROVIDER_PATIENCE_S
        )
    except httpx.HTTPError as error:
        return str(error) or repr(error)
    # Some servers of this protocol have no list of models. An error is a response, too.
    refused = found.status_code in (401, 403) or found.status_code >= 500
    return f"{found.status_code} {found.reason_phrase}" if refused else ""
