"""What the facts about a deployment mean. Nothing here reads anything: facts in, findings out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import ip_address
from urllib.parse import urlsplit

from calls.doctor.facts import (
    DatabaseFacts,
    Facts,
    HostFacts,
    ProviderFacts,
    ServiceFacts,
    SignOnFacts,
    VisitFacts,
)

OLDEST_POSTGRES = (14,)
MOST_SKEW_S, WORST_SKEW_S = 1.0, 10.0
LONG_QUEUE_S = 900.0
LITTLE_BYTES, HARDLY_BYTES = 5 * 10**9, 5 * 10**8
SHORTEST_SECRET, LEAST_VARIETY = 50, 5
DURABLE = {
    "fsync": ("on",),
    "full_page_writes": ("on",),
    "synchronous_commit": ("on", "remote_apply", "remote_write", "local"),
    "synchronous": ("2", "3"),  # SQLite: FULL, EXTRA
    "journal_mode": ("wal",),
}
# How our application answers a visitor without a login: opened, or refused by origin or login.
UPGRADED = (101, 401, 403)


class Level(IntEnum):
    """The worst one is the exit status."""

    OK = 0
    WARNING = 1
    PROBLEM = 2


@dataclass(frozen=True)
class Finding:
    """One check: what was found, and how to fix it unless all is well."""

    subject: str
    level: Level
    text: str
    mend: str = ""


def judge(facts: Facts) -> list[Finding]:
    """Return a finding for each check that applies."""
    found = [*_of_database(facts.database)]
    if facts.service is not None:
        found += _of_service(facts.service)
    found += [*_of_host(facts.host), *_of_sign_on(facts.sign_on), *_of_provider(facts.provider)]
    return [*found, *_of_visit(facts.visit)] if facts.visit else found


def worst(findings: list[Finding]) -> Level:
    return max((each.level for each in findings), default=Level.OK)


def _ok(subject: str, text: str) -> Finding:
    return Finding(subject, Level.OK, text)


def _warning(subject: str, text: str, mend: str) -> Finding:
    return Finding(subject, Level.WARNING, text, mend)


def _problem(subject: str, text: str, mend: str) -> Finding:
    return Finding(subject, Level.PROBLEM, text, mend)


# --- The database


def _of_database(facts: DatabaseFacts) -> Iterator[Finding]:
    if facts.error:
        mend = "Check DATABASE_URL, that the server runs, and that this machine may connect to it."
        yield _problem("database", f"The database does not respond: {facts.error}", mend)
        return
    version = ".".join(str(part) for part in facts.version)
    if facts.vendor == "postgresql" and facts.version < OLDEST_POSTGRES:
        mend = f"Upgrade to PostgreSQL {OLDEST_POSTGRES[0]} or newer."
        yield _problem("database", f"PostgreSQL {version} is too old.", mend)
    else:
        yield _ok("database", f"{facts.vendor} {version} responds.")
    yield _durability(facts)
    yield _migrations(facts.pending_migrations)
    yield _clock(facts.clock_skew_s)
    if facts.free_bytes is not None:
        yield _space("database disk", facts.free_bytes)


def _durability(facts: DatabaseFacts) -> Finding:
    weak = [
        f"{name}={value}"
        for name, value in facts.settings.items()
        if value.lower() not in DURABLE[name]
    ]
    if not weak:
        return _ok("durability", "Commits survive a power cut.")
    mend = "Reset them: packets are acknowledged after their commit and must not be lost."
    return _problem("durability", f"Commits can be lost: {', '.join(weak)}.", mend)


def _migrations(pending: int) -> Finding:
    if not pending:
        return _ok("migrations", "All migrations are applied.")
    return _problem(
        "migrations", f"{pending} migrations are not applied.", "Run `manage.py migrate`."
    )


def _clock(skew_s: float) -> Finding:
    if abs(skew_s) < MOST_SKEW_S:
        return _ok("clock", "This machine and the database agree on the time.")
    text = f"The clock of this machine is {abs(skew_s):.1f} s "
    text += "ahead of the database." if skew_s > 0 else "behind the database."
    level = Level.PROBLEM if abs(skew_s) >= WORST_SKEW_S else Level.WARNING
    return Finding("clock", level, text, "Synchronise both machines with NTP (chrony, timesyncd).")


def _space(subject: str, free: int) -> Finding:
    text = f"{free / 1e9:.1f} GB are free."
    if free >= LITTLE_BYTES:
        return _ok(subject, text)
    level = Level.PROBLEM if free < HARDLY_BYTES else Level.WARNING
    return Finding(
        subject, level, text, "Free space, or keep packets and calls for a shorter time."
    )


# --- The service


def _of_service(facts: ServiceFacts) -> Iterator[Finding]:
    if facts.workers:
        yield _ok("worker", f"{facts.workers} alive.")
    else:
        silent = "No worker has ever run."
        if facts.silent_s is not None:
            silent = f"No worker has sent a heartbeat for {facts.silent_s:.0f} s."
        yield _problem("worker", silent, "Start one with `manage.py qcluster`.")
    if facts.live_transcription != "off" and facts.workers:
        yield _listener(facts.listeners)
    yield _queue(facts)
    yield _keys(facts)
    yield _erasures(facts)
    if facts.failed_jobs:
        text = f"{facts.failed_jobs} background jobs have failed."
        yield _warning("jobs", text, "See the tracebacks under Failed jobs in the admin.")


def _keys(facts: ServiceFacts) -> Finding:
    mend = "Rotate them, or revoke those that nobody uses."
    if facts.expired_keys:
        text = f"API keys have expired: {', '.join(facts.expired_keys)}."
        return _warning("API keys", text, mend)
    if facts.expiring_keys:
        text = f"API keys expire soon: {', '.join(facts.expiring_keys)}."
        return _warning("API keys", text, mend)
    return _ok("API keys", "None has expired.")


def _erasures(facts: ServiceFacts) -> Finding:
    if facts.ledger_error:
        text = f"The ledger cannot be read: {facts.ledger_error}."
        return _problem("erasures", text, "Let this user read and write the file ERASURE_LEDGER.")
    if not facts.is_restored:
        return _ok("erasures", "No erased data has come back.")
    text = "The database is older than the ledger of erasures: erased data may be back."
    return _problem("erasures", text, "Erase it again with `manage.py erase --again`.")


def _listener(listeners: int) -> Finding:
    if listeners:
        return _ok("listener", f"{listeners} transcribe live calls.")
    mend = "Check the worker's log for what stops its listener, or set LIVE_TRANSCRIPTION=off."
    return _warning("listener", "No process transcribes live calls.", mend)


def _queue(facts: ServiceFacts) -> Finding:
    if facts.is_paused:
        mend = "Resume it with `manage.py analysis resume`."
        return _warning("queue", "The analysis is paused.", mend)
    text = f"The oldest call has been waiting for {facts.oldest_s:.0f} s."
    if facts.oldest_s < LONG_QUEUE_S:
        return _ok("queue", text if facts.oldest_s else "No call is waiting for its analysis.")
    mend = "See `manage.py analysis status`; start another worker if calls are ready."
    return _warning("queue", text, mend)


# --- This machine and its settings


def _of_host(facts: HostFacts) -> Iterator[Finding]:
    if facts.storage_problem:
        mend = "Let the user of the service write to MEDIA_ROOT."
        yield _problem("storage", facts.storage_problem, mend)
    else:
        yield _ok("storage", "Recordings can be stored.")
    if facts.media_free_bytes is not None:
        yield _space("recordings disk", facts.media_free_bytes)
    if not facts.is_local:
        yield from _of_production(facts)
    yield _mail(facts)


def _of_production(facts: HostFacts) -> Iterator[Finding]:
    yield _secret(facts.secret_key)
    if facts.debug:
        yield _problem("debug", "DEBUG is on: errors show the settings.", "Set DEBUG=false.")
    if facts.https:
        yield _ok("cookies", "Cookies are sent over HTTPS only.")
    else:
        mend = "Set HTTPS=true, and let the proxy terminate TLS."
        yield _warning("cookies", "Session cookies are sent over plain HTTP.", mend)
    if facts.static_collected:
        yield _ok("static files", "Collected.")
    else:
        mend = "Run `manage.py collectstatic`."
        yield _problem("static files", "Not collected, so pages have no styles.", mend)


def _secret(key: str) -> Finding:
    weak = len(key) < SHORTEST_SECRET or len(set(key)) < LEAST_VARIETY
    if not weak and not key.startswith("django-insecure-"):
        return _ok("secret key", "Long and random.")
    mend = (
        "Set SECRET_KEY to the output of "
        "`python -c 'import secrets; print(secrets.token_urlsafe(60))'`."
    )
    return _problem("secret key", "SECRET_KEY is short or easily guessed.", mend)


def _mail(facts: HostFacts) -> Finding:
    if facts.mail_error:
        text = f"The mail server does not respond: {facts.mail_error}"
        return _problem("mail", text, "Check EMAIL_URL, and that this machine may connect.")
    if facts.mail_needed and not facts.mail_configured:
        text = "A notification target sends e-mail, but no mail server is set."
        return _problem("mail", text, "Set EMAIL_URL.")
    if facts.mail_needed and not facts.site_url:
        return _warning("mail", "Messages have no links to this site.", "Set SITE_URL.")
    return _ok("mail", "The mail server responds." if facts.mail_configured else "Not used.")


# --- Where people sign on


def _of_sign_on(facts: SignOnFacts) -> Iterator[Finding]:
    for service, error in facts.errors.items():
        if error:
            mend = "Check its settings, and that this machine may connect (docs/sign-on.md)."
            yield _problem(service, f"The {service} cannot be reached: {error}", mend)
        else:
            yield _ok(service, f"The {service} responds.")
    if facts.unknown_groups:
        named = ", ".join(facts.unknown_groups)
        mend = "Correct SSO_GROUPS, or create these groups in the admin."
        yield _warning("sign-on groups", f"This site has no groups called {named}.", mend)


# --- Who analyses


def _of_provider(facts: ProviderFacts) -> Iterator[Finding]:
    if facts.missing:
        text = f"Packages are missing: {', '.join(facts.missing)}. Audio calls fail."
        mend = "Run `pip install -r requirements-speech.txt`, or choose another AI_PROVIDER."
        yield _problem("speech", text, mend)
    for problem in facts.model_problems:
        yield _problem("models", problem, "Reinstall the packages of requirements-speech.txt.")
    if facts.error:
        mend = "Check OPENAI_BASE_URL, OPENAI_API_KEY, and that this machine may connect."
        yield _problem("provider", f"{facts.name} does not respond: {facts.error}", mend)
    if not (facts.missing or facts.model_problems or facts.error):
        yield _ok("provider", f"{facts.name} is ready.")


# --- The site through its proxy


def _of_visit(facts: VisitFacts) -> Iterator[Finding]:
    if facts.error:
        mend = "Check the address, the proxy, and that a web process is running."
        yield _problem("site", f"{facts.url} does not respond: {facts.error}", mend)
        return
    if not facts.is_ours:
        mend = "Run the doctor with the environment of the web processes: SECRET_KEY differs."
        yield _warning("site", f"{facts.url} responds, but is a different site.", mend)
        return
    yield _ok("site", f"{facts.url} responds.")
    yield from _checks_of_proxy(facts)


def _checks_of_proxy(facts: VisitFacts) -> Iterator[Finding]:
    asked = urlsplit(facts.url)
    mend = "Make the proxy set X-Forwarded-Proto, and list the proxy in TRUSTED_PROXIES."
    yield _passed_on("proxy scheme", asked.scheme, facts.scheme, mend)
    mend = "Make the proxy pass on the Host header (nginx: proxy_set_header Host $http_host)."
    yield _passed_on("proxy host", asked.netloc.lower(), facts.host.lower(), mend)
    yield _client(facts, is_remote=not _is_loopback(asked.hostname or ""))
    if facts.socket_status in UPGRADED:
        yield _ok("WebSockets", "The proxy passes them on.")
    else:
        mend = "Make the proxy pass on Upgrade and Connection, with HTTP/1.1."
        text = f"A WebSocket got {facts.socket_status}: pages are not live."
        yield _problem("WebSockets", text, mend)


def _passed_on(subject: str, wanted: str, seen: str, mend: str) -> Finding:
    if wanted == seen:
        return _ok(subject, f"The site sees {seen}.")
    return _problem(subject, f"The site sees {seen or 'nothing'} instead of {wanted}.", mend)


def _client(facts: VisitFacts, *, is_remote: bool) -> Finding:
    if is_remote and _is_loopback(facts.client):
        mend = "Make the proxy set X-Forwarded-For, and list the proxy in TRUSTED_PROXIES."
        text = f"The site sees {facts.client} as the address of every client."
        return _warning("client address", text, mend)
    return _ok("client address", f"The site sees {facts.client or 'none'}.")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
