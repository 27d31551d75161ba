"""All settings, read from environment variables and grouped by feature.

DEBUG selects one of two profiles:

unset   local: needs no configuration; loopback only, SQLite, open API, simulated AI failures
true    local, with Django's debug pages as well (slow, because Django then logs every query)
false   production: needs SECRET_KEY and ALLOWED_HOSTS; API keys required, HTTPS-only cookies
"""

import os
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import environ
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from psycopg import IsolationLevel

from callcenter.api_settings import REST_FRAMEWORK, SPECTACULAR_SETTINGS  # noqa: F401
from callcenter.local_secret import kept_secret
from callcenter.log_settings import logging_settings
from callcenter.message_settings import mail_settings, site_address
from calls.analysis.providers.catalogue import PROVIDERS
from supervisor.listen.action_link import find_problem, source_of

BASE_DIR = Path(__file__).resolve().parent.parent
STATE_DIR = BASE_DIR / "var"

env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env", overwrite=False, parse_comments=True)

LOCAL = env.bool("DEBUG", default=True)
DEBUG = LOCAL and "DEBUG" in os.environ


def _choice(name: str, allowed: tuple[str, ...], default: str) -> str:
    value: str = env.str(name, default=default)
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} is {value!r}; it must be one of {', '.join(allowed)}.")
    return value


def _list(name: str, default: list[str]) -> list[str]:
    return [item for each in env.list(name, default=default) if (item := each.strip())]


def _number(name: str, default: float, low: float, high: float) -> float:
    value: float = env.float(name, default=default)
    if not low <= value <= high:
        raise ImproperlyConfigured(f"{name} is {value:g}; it must be from {low:g} to {high:g}.")
    return value


def _range(name: str, default: str) -> tuple[float, float]:
    low, _, high = env.str(name, default=default).partition("-")
    try:
        values = float(low), float(high or low)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be seconds, such as 2 or 1-3.") from error
    if not 0 <= values[0] <= values[1]:
        raise ImproperlyConfigured(f"{name} must be a range from a smaller to a larger number.")
    return values


def _days(name: str, default: str) -> timedelta | None:
    text = env.str(name, default=default)
    if text == "never":
        return None
    try:
        days = float(text)
    except ValueError:
        days = -1
    if not 0 <= days <= 36_500:
        raise ImproperlyConfigured(f"{name} must be a number of days, such as 7 or 0.5, or never.")
    return timedelta(days=days)


# --- Security -------------------------------------------------------------------------------

SECRET_KEY = env.str("SECRET_KEY", default="") or (
    kept_secret(STATE_DIR / "secret_key", size=50) if LOCAL else ""
)
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "SECRET_KEY is not set. The production profile (DEBUG=false) needs it. Set it to a long "
        "random string, the same for every web and worker process."
    )

LOOPBACK = ["localhost", ".localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS = _list("ALLOWED_HOSTS", LOOPBACK if LOCAL else [])
if not ALLOWED_HOSTS:
    raise ImproperlyConfigured("ALLOWED_HOSTS is not set. List the host names of this site.")
# Browsers send origins in lower case and without a slash; Django compares them as they are written.
CSRF_TRUSTED_ORIGINS = [origin.lower().rstrip("/") for origin in _list("CSRF_TRUSTED_ORIGINS", [])]

API_AUTH = _choice("API_AUTH", ("key", "open"), default="open" if LOCAL else "key")
if API_AUTH == "open" and not LOCAL and not env.bool("ALLOW_OPEN_API", default=False):
    raise ImproperlyConfigured(
        "API_AUTH=open lets anyone send packets and read calls. In production, this also needs "
        "ALLOW_OPEN_API=true."
    )

# In production, cookies are sent over HTTPS only. A proxy is expected to terminate TLS.
HTTPS = env.bool("HTTPS", default=not LOCAL)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=31_536_000) if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = False
SECURE_SSL_REDIRECT = env.bool("HTTPS_REDIRECT", default=False)
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
if env.bool("TRUST_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
SILENCED_SYSTEM_CHECKS = [
    "security.W005",  # subdomains and preload are for the site to decide
    "security.W021",
    "security.W008",  # the TLS proxy redirects; HTTPS_REDIRECT=true redirects here instead
]

CONTENT_SECURITY_POLICY: dict[str, dict[str, list[Any]]] = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "media-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_SENSITIVE_PARAMETERS: list[str] = []  # name who was locked out; passwords stay masked
AXES_LOCKOUT_TEMPLATE = "supervisor/locked_out.html"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}Validator"}
    for name in ("UserAttributeSimilarity", "MinimumLength", "CommonPassword", "NumericPassword")
]
LOGIN_URL = "/supervisor/login/"
LOGIN_REDIRECT_URL = "/supervisor/"
LOGOUT_REDIRECT_URL = LOGIN_URL

# --- Applications ---------------------------------------------------------------------------

INSTALLED_APPS = [
    "daphne",  # first, so that runserver speaks ASGI
    "calls",  # before django_q, whose qcluster command it extends
    "supervisor",
    "calls.dashboard.apps.AdminConfig",  # the admin, with our site
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_fsm",
    "django_q",
    "axes",
    "csp",
]
# The benchmarks are not in the image, and they need requirements-dev.txt.
if LOCAL and find_spec("benchmarks") and find_spec("psutil"):
    INSTALLED_APPS.append("benchmarks")

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "supervisor.account.middleware.preferences_middleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "callcenter.urls"
ASGI_APPLICATION = "callcenter.asgi.application"
APPEND_SLASH = True

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

LANGUAGE_CODE = "en-us"
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
USE_I18N = False
DATE_FORMAT, DATETIME_FORMAT = "d M Y", "d M Y, H:i:s"  # as the pages write them
USE_TZ = True

# --- Database -------------------------------------------------------------------------------

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": env.db_url("DATABASE_URL", f"sqlite:///{STATE_DIR}/callcenter.sqlite3")}
_database = DATABASES["default"]
if _database["ENGINE"].endswith("sqlite3"):
    _database["OPTIONS"] = {
        # Take the write lock at BEGIN and wait for it. A transaction that reads first and writes
        # later would otherwise fail at once if another one writes in between.
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        # FULL: a packet answered with 202 survives a power cut, not only a crash.
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-32000;"
        ),
    }
    # Tests use threads and processes, which cannot share an in-memory database.
    _database["TEST"] = {"NAME": f"{_database['NAME']}.test"}
    Path(_database["NAME"]).parent.mkdir(parents=True, exist_ok=True)
elif _database["ENGINE"].endswith("postgresql"):
    _database.setdefault("OPTIONS", {})["pool"] = {
        "min_size": 1,
        "max_size": env.int("DATABASE_POOL_SIZE", default=16),
        "timeout": 10,
    }
    _database["OPTIONS"]["isolation_level"] = IsolationLevel.READ_COMMITTED  # assumed by the locks
    # For the write path (calls/ingest/tables.py). Django's own cursors do not prepare statements.
    _database["OPTIONS"]["prepare_threshold"] = 5
else:
    raise ImproperlyConfigured("DATABASE_URL must be sqlite:///PATH or postgres://...")

# --- Feed -----------------------------------------------------------------------------------

# Within one process only. Between processes, the event log carries every change.
CHANNEL_LAYERS = {
    "default": {"BACKEND": "supervisor.live.layer.ProcessLayer", "CONFIG": {"capacity": 128}}
}

FEED_PATIENCE = _number("FEED_PATIENCE", 10, 0.1, 600)  # seconds; then a stalled socket closes

# --- Ingest ---------------------------------------------------------------------------------

PACKET_DATA_LIMIT = 64 * 1024  # bytes of UTF-8
BATCH_PACKET_LIMIT = 1_000
# Serves the two hot routes over plain ASGI. If off, the REST views serve them, more slowly.
EXPRESS_LANE = env.bool("EXPRESS_LANE", default=True)
GROUP_COMMIT = env.bool("GROUP_COMMIT", default=True)  # off: one transaction per request
BODY_LIMIT = DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024
TWILIO_AUTH_TOKEN = env.str("TWILIO_AUTH_TOKEN", default="")  # verifies X-Twilio-Signature
MEDIA_STORE_WITHIN = _number("MEDIA_STORE_WITHIN", 0.25, 0.05, 2)  # seconds; of a carrier's frame
MEDIA_RECONNECT = _number("MEDIA_RECONNECT", 30, 0, 3600)  # seconds a broken connection may take
MEDIA_STOP_GRACE = _number("MEDIA_STOP_GRACE", 3, 0, 3600)  # seconds from the last stop to the end
SHED_REQUESTS_AFTER = _number("SHED_REQUESTS_AFTER", 0.25, 0.05, 60)  # seconds that packets wait
SHED_STREAMS_AFTER = _number("SHED_STREAMS_AFTER", 0.25, 0.05, 60)  # then no new streams
CARRIER_MEMORY = _number("CARRIER_MEMORY", 256, 1, 65_536)  # MiB held while nothing can be stored
CARRIER_PINGS = env.bool("CARRIER_PINGS", default=False)  # some carriers hang up on a ping
CALL_IDLE_TIMEOUT = _number("CALL_IDLE_TIMEOUT", 300, 1, 7 * 86_400)  # seconds
REANALYSE_LATE = env.bool("REANALYSE_LATE", default=True)  # if packets come so soon after the end
REANALYSE_LATE_WITHIN = _number("REANALYSE_LATE_WITHIN", 60, 1, 86_400)
API_KEY_REFRESH = _number("API_KEY_REFRESH", 5, 1, 3600)  # seconds until a revoked key is refused

# --- Analysis -------------------------------------------------------------------------------

_CORES = os.cpu_count() or 1
AI_PROVIDER = _choice("AI_PROVIDER", tuple(PROVIDERS), default="local")
AI_LANGUAGE = env.str("AI_LANGUAGE", default="en")
AI_CONCURRENCY = int(_number("AI_CONCURRENCY", 200, 1, 10_000))  # calls per worker process
AI_PROVIDER_CONCURRENCY = int(_number("AI_PROVIDER_CONCURRENCY", 0, 0, 100_000))  # of all workers
AI_AUDIO_CONCURRENCY = int(  # recordings in memory; locally a core hears one
    _number("AI_AUDIO_CONCURRENCY", PROVIDERS[AI_PROVIDER].recordings(_CORES), 1, 1_000)
)
AI_CHAOS_FAILURE_RATE = _number("AI_CHAOS_FAILURE_RATE", 0.25 if LOCAL else 0, 0, 1)
AI_CHAOS_LATENCY = _range("AI_CHAOS_LATENCY", "1-3" if LOCAL else "0")
AI_CHAOS_SEED = env.str("AI_CHAOS_SEED", default="")  # the same seed fails the same calls
AI_MAX_ATTEMPTS = int(_number("AI_MAX_ATTEMPTS", 5, 1, 100))  # per stage
AI_RETRY_BASE = _number("AI_RETRY_BASE", 2, 0, 3600)  # seconds: 2, 4, 8, 16...
AI_RETRY_MAX = _number("AI_RETRY_MAX", 60, 0, 86_400)  # seconds
AI_LEASE_SECONDS = _number("AI_LEASE_SECONDS", 30, 1, 3600)  # then others take the calls
AI_TIMEOUT = _number("AI_TIMEOUT", 120, 1, 86_400)  # seconds per stage; audio: 2.5 x its length
AI_CPU_LIMIT = _number("AI_CPU_LIMIT", 120, 1, 86_400)  # seconds per stage, if AI_PROVIDER=local
AI_MEMORY_LIMIT = _number("AI_MEMORY_LIMIT", 2048, 64, 1_048_576)  # MiB per stage, likewise
AI_DEADLINE = _number("AI_DEADLINE", 86_400, 0, 30 * 86_400)  # seconds per round; 0: no deadline
AI_BREAKER_FAILURES = int(_number("AI_BREAKER_FAILURES", 10, 1, 10_000))  # in a row: it is down
AI_BREAKER_SECONDS = _number("AI_BREAKER_SECONDS", 30, 0.1, 300)  # until it is tried again
AI_AUTO_RETRY_AFTER = _number("AI_AUTO_RETRY_AFTER", 0, 0, 30 * 86_400)  # seconds; 0: never
AI_AUTO_RETRY_ROUNDS = int(_number("AI_AUTO_RETRY_ROUNDS", 3, 1, 100))  # per failed call
STT_MODEL_DIR = env.str("STT_MODEL_DIR", default="")
OPENAI_BASE_URL = env.str("OPENAI_BASE_URL", default="https://api.openai.com/v1").rstrip("/")
OPENAI_API_KEY = env.str("OPENAI_API_KEY", default="")
OPENAI_TRANSCRIBE_MODEL = env.str("OPENAI_TRANSCRIBE_MODEL", default="whisper-1")
OPENAI_CHAT_MODEL = env.str("OPENAI_CHAT_MODEL", default="gpt-4o-mini")
OPENAI_TIMEOUT = _number("OPENAI_TIMEOUT", AI_TIMEOUT, 1, 86_400)  # seconds per request
if problem := PROVIDERS[AI_PROVIDER].problem(globals()):
    raise ImproperlyConfigured(problem)
TRACK_SPEAKERS = env.dict("TRACK_SPEAKERS", default={})

# --- Live calls -----------------------------------------------------------------------------

# Which calls are transcribed while they last: none, those that somebody has open, or all.
LIVE_TRANSCRIPTION = _choice("LIVE_TRANSCRIPTION", ("off", "watched", "all"), default="all")
LIVE_TRANSCRIPTION_CALLS = int(  # at once, per worker; the others take turns
    _number("LIVE_TRANSCRIPTION_CALLS", 12 * _CORES, 1, 10_000)
)
LIVE_IMPORTANT_QUEUES = _list("LIVE_IMPORTANT_QUEUES", [])  # heard before the others
LISTEN_IN = env.bool("LISTEN_IN", default=True)  # off: nobody can listen to live calls
# A link of the telephone system for whisper and barge-in, such as
# https://pbx.example.com/monitor?call={call_id}&agent={agent}
ACTION_LINK = env.str("ACTION_LINK", default="")
ACTION_LINK_LABEL = env.str("ACTION_LINK_LABEL", default="Join the call")
if ACTION_LINK:
    if problem := find_problem(ACTION_LINK):
        raise ImproperlyConfigured(problem)
    CONTENT_SECURITY_POLICY["DIRECTIVES"]["form-action"].append(source_of(ACTION_LINK))

# --- Messages: e-mail, chats and webhooks ----------------------------------------------------

SITE_URL = site_address(env.str("SITE_URL", default=""))  # for links in messages
vars().update(mail_settings(env.str("EMAIL_URL", default=""), sender=env.str("EMAIL_FROM", "")))
WEBHOOK_ALLOW_PRIVATE = _choice(  # private addresses, for notifications as well
    "WEBHOOK_ALLOW_PRIVATE", ("none", "loopback", "all"), default="loopback" if LOCAL else "none"
)

# --- Retention ------------------------------------------------------------------------------

PACKET_RETENTION = _days("PACKET_RETENTION", "7")  # if a recording or transcript exists
CALL_RETENTION = _days("CALL_RETENTION", "never")  # calls with all their data
ATTEMPT_RETENTION = _days("ATTEMPT_RETENTION", "90")  # of archived calls; failed calls keep theirs
JOB_RETENTION = _days("JOB_RETENTION", "1")  # records of successful jobs
FAILED_JOB_RETENTION = _days("FAILED_JOB_RETENTION", "14")  # records of failed jobs

# --- Jobs -----------------------------------------------------------------------------------

SWEEP_SECONDS = 60
Q_CLUSTER = {
    "name": "callcenter",
    "label": "Background jobs",
    "orm": "default",
    # One process analyses calls; the other runs sweeps and short jobs.
    "workers": int(_number("WORKER_PROCESSES", 2, 1, 64)),
    "queue_limit": 4,
    "poll": 0.2,
    "timeout": 3600,
    # A job only wakes a worker; rows record what is left to do. A lost job may be retried late.
    "retry": 3660,
    "max_attempts": 3,
    "ack_failures": True,
    "save_limit": 250,
    "catch_up": False,
    "recycle": 500,
}

# --- Files ----------------------------------------------------------------------------------

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
MEDIA_URL = "media/"
MEDIA_ROOT = env.str("MEDIA_ROOT", default=str(STATE_DIR / "media"))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "django.contrib.staticfiles.storage.StaticFilesStorage"
            if LOCAL
            else "servestatic.storage.CompressedManifestStaticFilesStorage"
        )
    },
}
SERVESTATIC_USE_FINDERS = SERVESTATIC_AUTOREFRESH = LOCAL
SERVESTATIC_USE_MANIFEST = not LOCAL
SERVESTATIC_ALLOW_ALL_ORIGINS = False

# --- Logging --------------------------------------------------------------------------------

LOG_LEVEL = _choice("LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"), default="INFO")
LOGGING = logging_settings(LOG_LEVEL)
