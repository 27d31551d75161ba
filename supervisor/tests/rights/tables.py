"""What each role and each scope gets from each route and method: the tables of test_matrix."""

from __future__ import annotations

from supervisor.tests.rights.floor import PEOPLE

LOGIN, NO, GONE, YES = "login", 403, 404, "yes"
# By role: what happens with a call of the own team, and with one of another team.
LOOK = {
    "anonymous": (LOGIN, LOGIN), "nobody": (NO, NO), "Agent": (YES, GONE),
    "Supervisor": (YES, GONE), "Quality": (YES, YES), "Operator": (YES, YES),
    "Auditor": (YES, YES), "staff": (NO, NO), "superuser": (YES, YES),
}  # fmt: skip
ACT = {
    "anonymous": (LOGIN, LOGIN), "nobody": (NO, NO), "Agent": (NO, NO),
    "Supervisor": (YES, GONE), "Quality": (YES, YES), "Operator": (YES, YES),
    "Auditor": (NO, NO), "staff": (NO, NO), "superuser": (YES, YES),
}  # fmt: skip
DELETE = {**dict.fromkeys(PEOPLE, (NO, NO)), "anonymous": (LOGIN, LOGIN), "superuser": (YES, YES)}
HOLD = {
    **DELETE, "Quality": (NO, NO), "Auditor": (NO, NO), "Supervisor": (YES, GONE),
    "Operator": (YES, YES),
}  # fmt: skip
JOIN = {**ACT, "Operator": (NO, NO)}
# What cannot be muted yet is drawn only for those who may hear it.
PERSONAL = {
    **LOOK, "Agent": (NO, GONE), "Supervisor": (NO, GONE), "Operator": (NO, NO),
    "Auditor": (NO, NO),
}  # fmt: skip
# The same for routes that are about no single call.
SITE = {**dict.fromkeys(PEOPLE, (NO, NO)), "Operator": (YES, YES), "superuser": (YES, YES)}
WATCH = SITE
ROOT = {**SITE, "Operator": (NO, NO)}
SEND = ROOT
SEE = {role: (own, own) for role, (own, _) in LOOK.items()}
DO = {role: (own, own) for role, (own, _) in ACT.items()}
# By scope of a key. No key is limited to teams here.
READ_KEYS = {"ingest": NO, "read": YES, "supervise": NO, "admin": NO}
SUPERVISE_KEYS = {"ingest": NO, "read": NO, "supervise": YES, "admin": NO}
INGEST_KEYS = {"ingest": YES, "read": NO, "supervise": NO, "admin": NO}
ADMIN_KEYS = {"ingest": NO, "read": NO, "supervise": NO, "admin": YES}

# Route and method: what to expect, and the answers that mean yes.
PAGES = {
    ("board", "get"): (SEE, {200}),
    ("rows", "get"): (SEE, {200}),
    ("table", "get"): (SEE, {200}),
    ("standing", "get"): (SEE, {200}),
    ("history", "get"): (SEE, {200}),
    ("pause", "post"): (DO, {302}),
    ("resume", "post"): (DO, {302}),
    ("alerts", "get"): (SEE, {200}),
    ("alert-trends", "get"): (SEE, {200}),
    ("acknowledge-many", "post"): (DO, {302}),
    ("undo-acknowledge", "post"): (DO, {302}),
    ("acknowledge", "post"): (ACT, {302}),
    ("assign-alert", "post"): (ACT, {302}),
    ("snooze-alert", "post"): (ACT, {302}),
    ("reopen-alert", "post"): (ACT, {302}),
    ("agents", "get"): (SEE, {200}),
    ("agent", "get"): (SEE, {200}),
    ("queues", "get"): (SEE, {200}),
    ("queue", "get"): (SEE, {200}),
    ("days", "get"): (SEE, {200}),
    ("search", "get"): (SEE, {200}),
    ("bulks", "get"): (DO, {200}),
    ("bulk-ask", "post"): (DO, {302}),
    ("bulk", "get"): (DO, {404}),
    ("bulk-stop", "post"): (DO, {404}),
    ("wall", "get"): (SEE, {200}),
    ("wall-display", "get"): (SEE, {404}),
    ("call", "get"): (LOOK, {200}),
    ("packets", "get"): (LOOK, {200}),
    ("waveform", "get"): (PERSONAL, {404}),
    ("end", "get"): (ACT, {200}),
    ("retry", "get"): (ACT, {200}),
    ("dismiss", "get"): (ACT, {200}),
    ("delete", "get"): (DELETE, {200}),
    ("hold", "get"): (HOLD, {200}),
    ("release", "get"): (HOLD, {200}),
    ("swap", "get"): (ACT, {200}),
    ("decode", "get"): (ACT, {200}),
    ("reanalyse", "get"): (ACT, {200}),
    ("tag", "post"): (ACT, {302}),
    ("untag", "post"): (ACT, {302}),
    ("note", "post"): (ACT, {302}),
    ("unnote", "post"): (ACT, {302}),
    ("action-link", "post"): (JOIN, {404}),
    ("views", "get"): (SEE, {200}),
    ("view", "post"): (SEE, {302, 404}),
    ("view-delete", "post"): (SEE, {302, 404}),
    ("bulks", "post"): (DO, {400}),
    ("end", "post"): (ACT, {302}),
    ("retry", "post"): (ACT, {302}),
    ("dismiss", "post"): (ACT, {302}),
    ("delete", "post"): (DELETE, {302}),
    ("hold", "post"): (HOLD, {302}),
    ("release", "post"): (HOLD, {302}),
    ("swap", "post"): (ACT, {400}),
    ("decode", "post"): (ACT, {302}),
    ("reanalyse", "post"): (ACT, {302}),
    ("views", "post"): (SEE, {302}),
}
# Pages of an account. They show no call, and every account has them.
OF_ACCOUNTS = {
    "account", "settings", "password", "second-factor", "recovery-codes", "second-factor-off",
    "end-login", "end-other-logins",
}  # fmt: skip
BEFORE_LOGIN = {
    "login", "logout", "login-code", "login-set-up", "sign-on", "sign-on-callback",
    "forgotten-password", "reset-password",
}  # fmt: skip
API = {
    ("packet", "post"): (SEND, INGEST_KEYS, {400}),
    ("batch", "post"): (SEND, INGEST_KEYS, {400}),
    ("calls", "get"): (SEE, READ_KEYS, {200}),
    ("calls-csv", "get"): (SEE, READ_KEYS, {200}),
    ("call", "get"): (LOOK, READ_KEYS, {200}),
    ("start", "post"): (SEND, INGEST_KEYS, {200}),
    ("end", "post"): (SEND, INGEST_KEYS, {200}),
    ("retry", "post"): (ACT, SUPERVISE_KEYS, {409}),
    ("dismiss", "post"): (ACT, SUPERVISE_KEYS, {409}),
    ("decode", "post"): (ACT, SUPERVISE_KEYS, {400}),
    ("reanalyse", "post"): (ACT, SUPERVISE_KEYS, {400, 409}),
    ("transcript", "get"): (LOOK, READ_KEYS, {200, 404, 409}),
    ("recording", "get"): (LOOK, READ_KEYS, {404, 409}),
    ("speakers", "put"): (ACT, SUPERVISE_KEYS, {400}),
    ("tags", "get"): (LOOK, READ_KEYS, {200}),
    ("tag", "delete"): (ACT, SUPERVISE_KEYS, {404}),
    ("notes", "get"): (LOOK, READ_KEYS, {200}),
    ("note", "delete"): (ACT, SUPERVISE_KEYS, {404}),
    ("packets", "get"): (LOOK, READ_KEYS, {200}),
    ("hold", "get"): (LOOK, READ_KEYS, {404}),
    ("call-events", "get"): (LOOK, READ_KEYS, {200}),
    ("fields", "put"): (SEND, INGEST_KEYS, {200}),
    ("agents", "get"): (SEE, READ_KEYS, {200}),
    ("queues", "get"): (SEE, READ_KEYS, {200}),
    ("bulk-actions", "get"): (DO, READ_KEYS, {200}),
    ("bulk-action", "get"): (DO, READ_KEYS, {404}),
    ("stop-bulk-action", "post"): (DO, SUPERVISE_KEYS, {404}),
    ("call-alerts", "get"): (LOOK, READ_KEYS, {200}),
    ("alerts", "get"): (SEE, READ_KEYS, {200}),
    ("alerts-csv", "get"): (SEE, READ_KEYS, {200}),
    ("alert", "get"): (LOOK, READ_KEYS, {200}),
    ("acknowledge-alert", "post"): (ACT, SUPERVISE_KEYS, {200}),
    ("assign-alert", "post"): (ACT, SUPERVISE_KEYS, {400}),
    ("snooze-alert", "post"): (ACT, SUPERVISE_KEYS, {400}),
    ("reopen-alert", "post"): (ACT, SUPERVISE_KEYS, {200}),
    ("analysis", "get"): (SEE, READ_KEYS, {200}),
    ("event-stream", "get"): (SEE, READ_KEYS, {501}),
    ("events", "get"): (SEE, READ_KEYS, {200}),
    ("search", "get"): (SEE, READ_KEYS, {200}),
    ("search-csv", "get"): (SEE, READ_KEYS, {200}),
    ("report-agents", "get"): (SEE, READ_KEYS, {200}),
    ("report-agents-csv", "get"): (SEE, READ_KEYS, {200}),
    ("report-queues", "get"): (SEE, READ_KEYS, {200}),
    ("report-queues-csv", "get"): (SEE, READ_KEYS, {200}),
    ("report-days", "get"): (SEE, READ_KEYS, {200}),
    ("report-days-csv", "get"): (SEE, READ_KEYS, {200}),
    ("call", "delete"): (DELETE, ADMIN_KEYS, {409}),
    ("hold", "put"): (HOLD, SUPERVISE_KEYS, {400}),
    ("hold", "delete"): (HOLD, SUPERVISE_KEYS, {404}),
    ("bulk-actions", "post"): (DO, SUPERVISE_KEYS, {400}),
    ("tags", "post"): (ACT, SUPERVISE_KEYS, {400}),
    ("notes", "post"): (ACT, SUPERVISE_KEYS, {400}),
}
# They set the site up, and are about no call.
SET_UP = {
    ("rules", "get"): (SITE, {200}),
    ("rules", "post"): (SITE, {400}),
    ("rule", "get"): (SITE, {404}),
    ("rule", "patch"): (SITE, {404}),
    ("rule", "delete"): (SITE, {404}),
    ("try-rule", "post"): (SITE, {400}),
    ("try-stored-rule", "post"): (SITE, {404}),
    ("webhooks", "get"): (SITE, {200}),
    ("webhooks", "post"): (SITE, {400}),
    ("webhook", "get"): (SITE, {404}),
    ("webhook", "patch"): (SITE, {404}),
    ("webhook", "delete"): (SITE, {404}),
    ("test-webhook", "post"): (SITE, {404}),
    ("webhook-deliveries", "get"): (SITE, {404}),
    ("targets", "get"): (SITE, {200}),
    ("targets", "post"): (SITE, {400}),
    ("target", "get"): (SITE, {404}),
    ("target", "patch"): (SITE, {404}),
    ("target", "delete"): (SITE, {404}),
    ("test-target", "post"): (SITE, {404}),
    ("target-deliveries", "get"): (SITE, {404}),
    ("keys", "get"): (WATCH, {200}),
    ("keys", "post"): (ROOT, {400}),
    ("key", "get"): (WATCH, {404}),
    ("key", "patch"): (ROOT, {404}),
    ("rotate-key", "post"): (ROOT, {404}),
    ("revoke-key", "post"): (ROOT, {404}),
    ("erasures", "post"): (ROOT, {400}),
    ("erasure", "get"): (ROOT, {404}),
}
# Routes of Django and of monitoring. They show no call, and every visitor gets the same.
OTHERS = {
    "home": {302}, "open-display": {404}, "wall/<str:token>": {404}, "schema": {200},
    "docs": {200}, "healthz": {200}, "readyz": {200, 503}, "metrics": {200},
}  # fmt: skip
OTHER_ADDRESSES = {"open-display": "/wall/unknown/", "wall/<str:token>": "/wall/unknown"}
FOR_ANY_CALL = {"packet", "batch"}  # a telephone system need not know who is in which team
BEFORE_ADMIN = {"login", "logout"}
