"""Which statements of a migration would block a busy site or break the previous release."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

# Their rows come by the million.
BIG = {
    "calls_alert",
    "calls_analysis",
    "calls_attempt",
    "calls_auditentry",
    "calls_bulkitem",
    "calls_call",
    "calls_callevent",
    "calls_fieldvalue",
    "calls_fulltext",
    "calls_insight",
    "calls_listensession",
    "calls_liveutterance",
    "calls_note",
    "calls_notificationdelivery",
    "calls_packet",
    "calls_prunedrange",
    "calls_recording",
    "calls_searchentry",
    "calls_stream",
    "calls_tag",
    "calls_transcript",
    "calls_webhookdelivery",
}
# A scan of these takes a moment: they have rows for what is live, set up, or asked for by hand.
SMALL = {
    "calls_agent",
    "calls_agent_teams",
    "calls_agentname",
    "calls_alertrule",
    "calls_analysispause",
    "calls_apikey",
    "calls_auditcut",
    "calls_bulkaction",
    "calls_callviewing",
    "calls_customfield",
    "calls_displayscreen",
    "calls_erasure",
    "calls_erasureitem",
    "calls_eventlog",
    "calls_ingestreport",
    "calls_legalhold",
    "calls_listenerreport",
    "calls_livetranscription",
    "calls_loginsession",
    "calls_mediaconnection",
    "calls_minutesample",
    "calls_notificationtarget",
    "calls_notificationtarget_rules",
    "calls_preferences",
    "calls_processfigures",
    "calls_providerhealth",
    "calls_queuethreshold",
    "calls_savedview",
    "calls_signonidentity",
    "calls_team",
    "calls_team_members",
    "calls_teamqueue",
    "calls_watch",
    "calls_webhookendpoint",
    "calls_workerheartbeat",
}
TABLE = r'"?(?P<table>\w+)"?'
CREATED = re.compile(rf"CREATE TABLE (?:IF NOT EXISTS )?{TABLE}", re.IGNORECASE)
INDEX = re.compile(rf"CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY).*? ON {TABLE}", re.IGNORECASE)
ALTER = re.compile(rf"ALTER TABLE (?:ONLY )?{TABLE} (?P<what>.*)", re.IGNORECASE | re.DOTALL)
RULES = {
    r"ADD COLUMN (?!.*\bDEFAULT\b).*\bNOT NULL\b": "a new column must be null or have a db_default",
    r"ALTER COLUMN \S+ DROP DEFAULT": "a column loses its default in the database: use db_default",
    r"ALTER COLUMN \S+ (SET DATA )?TYPE": "a change of type rewrites the table or scans it",
    r"ALTER COLUMN \S+ SET NOT NULL": "SET NOT NULL scans the table under an exclusive lock",
    r"ADD CONSTRAINT (?!.*\bNOT VALID\b)": "a constraint is checked under a lock: add it NOT VALID",
    r"(DROP|RENAME) (COLUMN|TO)": "processes of the last release still use what is dropped",
}


def find_problems(statements: Iterable[str]) -> Iterator[str]:
    """Yield a sentence for each statement on a big table that the migration has not made."""
    made: set[str] = set()
    for statement in statements:
        if found := CREATED.match(statement):
            made.add(found["table"])
        for table, problem in _problems_of(statement):
            if table in BIG - made:
                yield f"{table}: {problem}"


def _problems_of(statement: str) -> Iterator[tuple[str, str]]:
    if found := INDEX.match(statement):
        yield found["table"], "an index is built under a lock: use AddIndexOnline"
    if found := ALTER.match(statement):
        for pattern, problem in RULES.items():
            if re.match(pattern, found["what"], re.IGNORECASE | re.DOTALL):
                yield found["table"], problem
