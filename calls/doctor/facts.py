"""What the doctor looks at, as plain values. None: it does not apply, or is unknown."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class DatabaseFacts:
    """``error`` is set if the database did not answer; nothing else is known then."""

    vendor: str = "postgresql"
    version: tuple[int, ...] = (16,)
    error: str = ""
    settings: dict[str, str] = field(default_factory=dict)  # those that durability depends on
    pending_migrations: int = 0
    clock_skew_s: float = 0.0
    free_bytes: int | None = None  # of the disk of a local database


@dataclass(frozen=True, kw_only=True)
class ServiceFacts:
    """``silent_s`` is the time since the last heartbeat of any worker."""

    workers: int = 1
    silent_s: float | None = 0.0
    live_transcription: str = "all"
    listeners: int = 1
    oldest_s: float = 0.0
    is_paused: bool = False
    failed_jobs: int = 0
    ledger_error: str = ""
    is_restored: bool = False  # the ledger names erasures that the database does not know
    expired_keys: tuple[str, ...] = ()  # API keys that nobody has revoked
    expiring_keys: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class HostFacts:
    """Files, packages and settings of the machine that the doctor runs on."""

    is_local: bool = False
    secret_key: str = ""
    https: bool = True
    debug: bool = False
    site_url: str = "https://calls.example.com"
    storage_problem: str = ""
    media_free_bytes: int | None = None
    static_collected: bool = True
    mail_needed: bool = False
    mail_configured: bool = False
    mail_error: str = ""


@dataclass(frozen=True, kw_only=True)
class ProviderFacts:
    """``missing`` packages and ``models`` that did not load concern the local provider only."""

    name: str = "local"
    missing: tuple[str, ...] = ()
    model_problems: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class SignOnFacts:
    """``errors`` has each service that people sign on at, with an empty text if it answered."""

    errors: dict[str, str] = field(default_factory=dict)
    unknown_groups: tuple[str, ...] = ()  # of SSO_GROUPS


@dataclass(frozen=True, kw_only=True)
class VisitFacts:
    """What the site saw of a request to ``url``, and of one to open a WebSocket."""

    url: str
    error: str = ""
    is_ours: bool = True  # the site knows our SECRET_KEY
    scheme: str = ""
    host: str = ""
    client: str = ""
    socket_status: int | None = None


@dataclass(frozen=True, kw_only=True)
class Facts:
    database: DatabaseFacts
    service: ServiceFacts | None
    host: HostFacts
    provider: ProviderFacts
    sign_on: SignOnFacts = field(default_factory=SignOnFacts)
    visit: VisitFacts | None = None
