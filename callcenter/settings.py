"""All settings, read from environment variables and grouped by feature.

PROFILE selects one of two profiles:

production  the default: needs SECRET_KEY and ALLOWED_HOSTS; API keys required, HTTPS-only cookies
local       needs no configuration; loopback only, SQLite, open API, simulated AI failures. With
            DEBUG=true, also Django's debug pages (slow, because Django then logs every query)

``manage.py`` and the tests choose the local profile where nothing is configured.
"""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from csp.constants import NONCE, NONE, SELF

from callcenter.configuration.accounts import account_settings
from callcenter.configuration.api import REST_FRAMEWORK, SPECTACULAR_SETTINGS  # noqa: F401
from callcenter.configuration.checked_values import (
    base_url,
    speakers,
    speech_model,
    spoken_language,
    time_zone,
    writable_folder,
)
from callcenter.configuration.database import POOLERS, database_settings, direct_database
from callcenter.configuration.environment import Environment
from callcenter.configuration.local_secret import kept_secret
from callcenter.configuration.log import FORMATS, logging_settings
from callcenter.configuration.messages import mail_settings, site_address
from callcenter.configuration.sign_on import library_settings, read_sign_on
from callcenter.configuration.traces import trace_endpoint
from callcenter.path_prefix import read_prefix
from calls.analysis.providers.catalogue import PROVIDERS
from calls.proxies import read_networks
from supervisor.listen.action_link import find_problem, source_of

BASE_DIR = Path(__file__).resolve().parent.parent
STATE_DIR = BASE_DIR / "var"

env = Environment(BASE_DIR / ".env")
_choice, _list, _number, _days = env.choice, env.items, env.number, env.days

PATH_PREFIX = env.parsed("PATH_PREFIX", read_prefix, "", "a path such as /calls")
DEBUG = env.flag("DEBUG", default=False)
PROFILE = _choice("PROFILE", ("production", "local"), default="production")
LOCAL = PROFILE == "local"
if DEBUG and not LOCAL:
    env.note("DEBUG is true; debug pages show settings to visitors, so it needs PROFILE=local.")


# --- Security -------------------------------------------------------------------------------

SECRET_KEY = env.text("SECRET_KEY") or (
    kept_secret(STATE_DIR / "secret_key", size=50) if LOCAL else ""
)
if not SECRET_KEY:
    env.note(
        "SECRET_KEY is not set. Production needs it: a long random string, the same for every web "
        "and worker process. To work on your own machine, set PROFILE=local instead."
    )

LOOPBACK = ["localhost", ".localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS = _list("ALLOWED_HOSTS", LOOPBACK if LOCAL else [])
if not ALLOWED_HOSTS:
    env.note(
        "ALLOWED_HOSTS is not set. List the host names of this site, such as calls.example.com."
    )
if "*" in ALLOWED_HOSTS and not LOCAL:
    env.note("ALLOWED_HOSTS has *, so links could lead to any host. List the names of this site.")
# Browsers send origins in lower case and without a slash; Django compares them as they are written.
CSRF_TRUSTED_ORIGINS = [origin.lower().rstrip("/") for origin in _list("CSRF_TRUSTED_ORIGINS", [])]

API_AUTH = _choice("API_AUTH", ("key", "open"), default="open" if LOCAL else "key")
ALLOW_OPEN_API = env.flag("ALLOW_OPEN_API", default=False)
if API_AUTH == "open" and not LOCAL and not ALLOW_OPEN_API:
    env.note(
        "API_AUTH is open, which lets anybody send packets and read calls. In production, set "
        "API_AUTH=key, or ALLOW_OPEN_API=true as well."
    )

# In production, cookies are sent over HTTPS only. A proxy is expected to terminate TLS.
HTTPS = env.flag("HTTPS", default=not LOCAL)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
HSTS_SECONDS = int(_number("HSTS_SECONDS", 31_536_000, 0, 10 * 31_536_000))
SECURE_HSTS_SECONDS = HSTS_SECONDS if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = False
SECURE_SSL_REDIRECT = env.flag("HTTPS_REDIRECT", default=False)
SECURE_REDIRECT_EXEMPT = [rf"^{PATH_PREFIX.lstrip('/')}/?(healthz|readyz|metrics)$"]
TRUSTED_PROXIES = _list("TRUSTED_PROXIES", [])  # whose X-Forwarded headers count: calls.proxies
try:
    read_networks(TRUSTED_PROXIES)
except ValueError as error:
    env.note(str(error))
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = f"{PATH_PREFIX}/"
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

# Who must have a second factor: nobody, people who may open the admin, or everybody.
SECOND_FACTOR = _choice("SECOND_FACTOR", ("optional", "staff", "all"), default="optional")
AXES_FAILURE_LIMIT = 10  # wrong passwords or codes, before a lock-out of so many hours
AXES_COOLOFF_TIME = 0.25
LOGIN_URL = f"{PATH_PREFIX}/supervisor/login/"
LOGOUT_REDIRECT_URL = LOGIN_URL
LOGIN_REDIRECT_URL = f"{PATH_PREFIX}/supervisor/"
SIGN_ON = read_sign_on(env)
vars().update(account_settings() | library_settings(SIGN_ON))

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
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "csp",
]
# The benchmarks are not in the image, and they need requirements-dev.txt.
if LOCAL and find_spec("benchmarks") and find_spec("psutil"):
    INSTALLED_APPS.append("benchmarks")

MIDDLEWARE = [
    "callcenter.security_headers.security_headers",
    "django.middleware.security.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "callcenter.without_nul.without_nul",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "calls.audit.middleware.audit_middleware",
    "supervisor.account.demand.demand_middleware",
    "supervisor.account.middleware.preferences_middleware",
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
TIME_ZONE = env.parsed("TIME_ZONE", time_zone, "UTC", "a name such as Europe/Berlin")
USE_I18N = False
DATE_FORMAT, DATETIME_FORMAT = "d M Y", "d M Y, H:i:s"  # as the pages write them
USE_TZ = True

# --- Database -------------------------------------------------------------------------------

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASE_POOL_SIZE = int(_number("DATABASE_POOL_SIZE", 16, 1, 1_000))
DATABASE_POOLER = _choice("DATABASE_POOLER", POOLERS, default="none")
_direct = env.parsed("DATABASE_DIRECT_URL", direct_database, "")
if DATABASE_POOLER != "none" and not _direct:
    env.note(
        f"DATABASE_POOLER={DATABASE_POOLER} also needs DATABASE_DIRECT_URL: the address of the "
        "same PostgreSQL database without the pooler, for LISTEN and migrations."
    )
DATABASES = {
    "default": env.parsed(
        "DATABASE_URL",
        lambda url: database_settings(
            url, pool_size=DATABASE_POOL_SIZE, pooler=DATABASE_POOLER, direct=_direct
        ),
        f"sqlite:///{STATE_DIR}/callcenter.sqlite3",
        "postgres://user:password@host:5432/name or sqlite:///PATH",
    )
}

# --- Stopping a web process -----------------------------------------------------------------

SHUTDOWN_DELAY = _number("SHUTDOWN_DELAY", 1, 0, 600)  # seconds it continues, for proxies to notice
SHUTDOWN_TIMEOUT = _number("SHUTDOWN_TIMEOUT", 10, 1, 3600)  # seconds for what is in flight then

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
EXPRESS_LANE = env.flag("EXPRESS_LANE", default=True)
GROUP_COMMIT = env.flag("GROUP_COMMIT", default=True)  # off: one transaction per request
BODY_LIMIT = DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024
TWILIO_AUTH_TOKEN = env.text("TWILIO_AUTH_TOKEN")  # verifies X-Twilio-Signature
MEDIA_STORE_WITHIN = _number("MEDIA_STORE_WITHIN", 0.25, 0.05, 2)  # seconds; of a carrier's frame
MEDIA_RECONNECT = _number("MEDIA_RECONNECT", 30, 0, 3600)  # seconds a broken connection may take
MEDIA_STOP_GRACE = _number("MEDIA_STOP_GRACE", 3, 0, 3600)  # seconds from the last stop to the end
SHED_REQUESTS_AFTER = _number("SHED_REQUESTS_AFTER", 0.25, 0.05, 60)  # s that packets wait
SHED_STREAMS_AFTER = _number("SHED_STREAMS_AFTER", 0.25, 0.05, 60)  # then no new streams
SHED_STREAMS_ABOVE = _number("SHED_STREAMS_ABOVE", 0.85, 0.1, 1)  # of its time
CARRIER_MEMORY = _number("CARRIER_MEMORY", 256, 1, 65_536)  # MiB held while nothing can be stored
CARRIER_PINGS = env.flag("CARRIER_PINGS", default=False)  # some carriers hang up on a ping
CALL_IDLE_TIMEOUT = _number("CALL_IDLE_TIMEOUT", 300, 1, 7 * 86_400)  # seconds
REANALYSE_LATE = env.flag("REANALYSE_LATE", default=True)  # if packets come so soon after the end
REANALYSE_LATE_WITHIN = _number("REANALYSE_LATE_WITHIN", 60, 1, 86_400)
API_KEY_REFRESH = _number("API_KEY_REFRESH", 5, 1, 3600)  # seconds until a revoked key is refused
API_KEY_GUESSES = int(_number("API_KEY_GUESSES", 30, 0, 1_000_000))  # wrong keys a minute; 0: any
# Requests a second of a key without a limit of its own, packets not counted. 0: no limit.
API_RATE_LIMIT = _number("API_RATE_LIMIT", 0 if LOCAL else 500, 0, 1_000_000)

# --- Analysis -------------------------------------------------------------------------------

_CORES = os.cpu_count() or 1
AI_PROVIDER = _choice("AI_PROVIDER", tuple(PROVIDERS), default="local")
AI_LANGUAGE = env.parsed(  # empty: the AI detects it
    "AI_LANGUAGE", spoken_language(AI_PROVIDER), "en", "a code such as de or en-GB, or auto"
)
AI_CONCURRENCY = int(_number("AI_CONCURRENCY", 200, 1, 10_000))  # calls per worker process
AI_PROVIDER_CONCURRENCY = int(_number("AI_PROVIDER_CONCURRENCY", 0, 0, 100_000))  # of all workers
AI_AUDIO_CONCURRENCY = int(  # recordings in memory; locally a core hears one
    _number("AI_AUDIO_CONCURRENCY", PROVIDERS[AI_PROVIDER].recordings(_CORES), 1, 1_000)
)
AI_CHAOS_FAILURE_RATE = _number("AI_CHAOS_FAILURE_RATE", 0.25 if LOCAL else 0, 0, 1)
AI_CHAOS_LATENCY = env.span("AI_CHAOS_LATENCY", (1, 3) if LOCAL else (0, 0))
AI_CHAOS_SEED = env.text("AI_CHAOS_SEED")  # the same seed fails the same calls
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
STT_MODEL_DIR = env.parsed("STT_MODEL_DIR", speech_model, "", "a folder")
OPENAI_BASE_URL = env.parsed("OPENAI_BASE_URL", base_url, "https://api.openai.com/v1")
OPENAI_API_KEY = env.text("OPENAI_API_KEY")
OPENAI_TRANSCRIBE_MODEL = env.text("OPENAI_TRANSCRIBE_MODEL", "whisper-1")
OPENAI_CHAT_MODEL = env.text("OPENAI_CHAT_MODEL", "gpt-4o-mini")
OPENAI_TIMEOUT = _number("OPENAI_TIMEOUT", AI_TIMEOUT, 1, 86_400)  # seconds per request
if problem := PROVIDERS[AI_PROVIDER].problem(globals()):
    env.note(problem)
TRACK_SPEAKERS = env.parsed("TRACK_SPEAKERS", speakers, "", "pairs: left=customer,right=agent")

# --- Live calls -----------------------------------------------------------------------------

# Which calls are transcribed while they last: none, those that somebody has open, or all.
LIVE_TRANSCRIPTION = _choice("LIVE_TRANSCRIPTION", ("off", "watched", "all"), default="all")
LIVE_TRANSCRIPTION_CALLS = int(  # at once, per worker; the others take turns
    _number("LIVE_TRANSCRIPTION_CALLS", 12 * _CORES, 1, 10_000)
)
LIVE_IMPORTANT_QUEUES = _list("LIVE_IMPORTANT_QUEUES", [])  # heard before the others
LISTEN_IN = env.flag("LISTEN_IN", default=True)  # off: nobody can listen to live calls
# A link of the phone system for whisper and barge-in, such as
# https://pbx.example.com/monitor?call={call_id}&agent={agent}
ACTION_LINK = env.text("ACTION_LINK")
ACTION_LINK_LABEL = env.text("ACTION_LINK_LABEL", "Join the call")
if ACTION_LINK:
    if problem := find_problem(ACTION_LINK):
        env.note(problem)
    else:
        CONTENT_SECURITY_POLICY["DIRECTIVES"]["form-action"].append(source_of(ACTION_LINK))

# --- Messages: e-mail, chats and webhooks ----------------------------------------------------

SITE_URL = env.parsed("SITE_URL", site_address, "").removesuffix(
    PATH_PREFIX
)  # for links in messages
EMAIL_FROM = env.text("EMAIL_FROM", "callcenter@localhost")
vars().update(env.parsed("EMAIL_URL", lambda url: mail_settings(url, sender=EMAIL_FROM), ""))
WEBHOOK_ALLOW_PRIVATE = _choice(  # private addresses, for notifications as well
    "WEBHOOK_ALLOW_PRIVATE", ("none", "loopback", "all"), default="loopback" if LOCAL else "none"
)

# --- Retention ------------------------------------------------------------------------------

PACKET_RETENTION = _days("PACKET_RETENTION", "7")  # if a recording or transcript exists
CALL_RETENTION = _days("CALL_RETENTION", "never")  # calls with all their data
ATTEMPT_RETENTION = _days("ATTEMPT_RETENTION", "90")  # of archived calls; failed calls keep theirs
JOB_RETENTION = _days("JOB_RETENTION", "1")  # records of successful jobs
FAILED_JOB_RETENTION = _days("FAILED_JOB_RETENTION", "14")  # records of failed jobs
AUDIT_RETENTION = _days("AUDIT_RETENTION", "never")  # who did what, and who looked at what
ERASURE_KEY = env.text("ERASURE_KEY") or SECRET_KEY  # digests what is erased
# Best on a volume that a restore of the database does not reach.
ERASURE_LEDGER = env.text("ERASURE_LEDGER") or str(STATE_DIR / "erasures" / "ledger.jsonl")

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

STATIC_URL = f"{PATH_PREFIX}/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
MEDIA_URL = f"{PATH_PREFIX}/media/"
MEDIA_ROOT = env.parsed("MEDIA_ROOT", writable_folder, str(STATE_DIR / "media"), "a folder")
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
LOGGING = logging_settings(LOG_LEVEL, form=_choice("LOG_FORMAT", FORMATS, default="text"))
METRICS_EVERY = _number("METRICS_EVERY", 5, 0, 20)  # seconds until a process reports; 0: never
OTEL_EXPORTER_OTLP_ENDPOINT = trace_endpoint(env)
OTEL_SERVICE_NAME = env.text("OTEL_SERVICE_NAME", "callcenter")

SPECTACULAR_SETTINGS["SCHEMA_PATH_PREFIX"] = f"{PATH_PREFIX}/v1"

env.check()
