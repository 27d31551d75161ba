"""Every route by role and team. A route without a row here fails the last test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from calls.keys import create_key, ring
from supervisor.tests.rights.floor import PEOPLE, make_floor

pytestmark = pytest.mark.django_db

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
SEE = {role: (own, own) for role, (own, _) in LOOK.items()}
DO = {role: (own, own) for role, (own, _) in ACT.items()}
OPEN = dict.fromkeys(PEOPLE, (YES, YES))
# By scope of a key. No key is limited to teams here.
READ_KEYS = {"ingest": NO, "read": YES, "supervise": NO, "admin": NO}
SUPERVISE_KEYS = {"ingest": NO, "read": NO, "supervise": YES, "admin": NO}
INGEST_KEYS = {"ingest": YES, "read": NO, "supervise": NO, "admin": NO}
ADMIN_KEYS = {"ingest": NO, "read": NO, "supervise": NO, "admin": YES}

# Route: method, what to expect, the answers that mean yes, and the form.
PAGES = {
    "board": ("get", SEE, {200}),
    "rows": ("get", SEE, {200}),
    "table": ("get", SEE, {200}),
    "standing": ("get", SEE, {200}),
    "history": ("get", SEE, {200}),
    "pause": ("post", DO, {302}),
    "resume": ("post", DO, {302}),
    "alerts": ("get", SEE, {200}),
    "alert-trends": ("get", SEE, {200}),
    "acknowledge-many": ("post", DO, {302}),
    "undo-acknowledge": ("post", DO, {302}),
    "acknowledge": ("post", ACT, {302}),
    "assign-alert": ("post", ACT, {302}),
    "snooze-alert": ("post", ACT, {302}),
    "reopen-alert": ("post", ACT, {302}),
    "agents": ("get", SEE, {200}),
    "agent": ("get", SEE, {200}),
    "queues": ("get", SEE, {200}),
    "queue": ("get", SEE, {200}),
    "search": ("get", SEE, {200}),
    "bulks": ("get", DO, {200}),
    "bulk-ask": ("post", DO, {302}),
    "bulk": ("get", DO, {404}),
    "bulk-stop": ("post", DO, {404}),
    "wall": ("get", SEE, {200}),
    "wall-display": ("get", SEE, {404}),
    "login": ("get", OPEN, {200, 302}),
    "logout": ("post", OPEN, {302}),
    "call": ("get", LOOK, {200}),
    "packets": ("get", LOOK, {200}),
    "waveform": ("get", PERSONAL, {404}),
    "end": ("get", ACT, {200}),
    "retry": ("get", ACT, {200}),
    "dismiss": ("get", ACT, {200}),
    "delete": ("get", DELETE, {200}),
    "hold": ("get", HOLD, {200}),
    "release": ("get", HOLD, {200}),
    "swap": ("get", ACT, {200}),
    "decode": ("get", ACT, {200}),
    "reanalyse": ("get", ACT, {200}),
    "tag": ("post", ACT, {302}),
    "untag": ("post", ACT, {302}),
    "note": ("post", ACT, {302}),
    "unnote": ("post", ACT, {302}),
    "action-link": ("post", JOIN, {404}),
    "views": ("get", SEE, {200}),
    "view": ("post", SEE, {302, 404}),
    "view-delete": ("post", SEE, {302, 404}),
}
# Pages of an account. They show no call, and every account has them.
OF_ACCOUNTS = {
    "account", "settings", "password", "second-factor", "recovery-codes", "second-factor-off",
    "end-login", "end-other-logins",
}  # fmt: skip
BEFORE_LOGIN = {
    "login-code",
    "login-set-up",
    "sign-on",
    "sign-on-callback",
    "forgotten-password",
    "reset-password",
}
API = {
    "packet": ("post", None, INGEST_KEYS, {400}),
    "batch": ("post", None, INGEST_KEYS, {400}),
    "calls": ("get", SEE, READ_KEYS, {200}),
    "calls-csv": ("get", SEE, READ_KEYS, {200}),
    "call": ("get", LOOK, READ_KEYS, {200}),
    "start": ("post", None, INGEST_KEYS, {200}),
    "end": ("post", None, INGEST_KEYS, {200}),
    "retry": ("post", ACT, SUPERVISE_KEYS, {409}),
    "dismiss": ("post", ACT, SUPERVISE_KEYS, {409}),
    "decode": ("post", ACT, SUPERVISE_KEYS, {400}),
    "reanalyse": ("post", ACT, SUPERVISE_KEYS, {400, 409}),
    "transcript": ("get", LOOK, READ_KEYS, {200, 404, 409}),
    "recording": ("get", LOOK, READ_KEYS, {404, 409}),
    "speakers": ("put", ACT, SUPERVISE_KEYS, {400}),
    "tags": ("get", LOOK, READ_KEYS, {200}),
    "tag": ("delete", ACT, SUPERVISE_KEYS, {404}),
    "notes": ("get", LOOK, READ_KEYS, {200}),
    "note": ("delete", ACT, SUPERVISE_KEYS, {404}),
    "packets": ("get", LOOK, READ_KEYS, {200}),
    "hold": ("get", LOOK, READ_KEYS, {404}),
    "call-events": ("get", LOOK, READ_KEYS, {200}),
    "fields": ("put", None, INGEST_KEYS, {200}),
    "agents": ("get", SEE, READ_KEYS, {200}),
    "queues": ("get", SEE, READ_KEYS, {200}),
    "bulk-actions": ("get", DO, READ_KEYS, {200}),
    "bulk-action": ("get", DO, READ_KEYS, {404}),
    "stop-bulk-action": ("post", DO, SUPERVISE_KEYS, {404}),
    "call-alerts": ("get", LOOK, READ_KEYS, {200}),
    "alerts": ("get", SEE, READ_KEYS, {200}),
    "alerts-csv": ("get", SEE, READ_KEYS, {200}),
    "alert": ("get", LOOK, READ_KEYS, {200}),
    "acknowledge-alert": ("post", ACT, SUPERVISE_KEYS, {200}),
    "assign-alert": ("post", ACT, SUPERVISE_KEYS, {400}),
    "snooze-alert": ("post", ACT, SUPERVISE_KEYS, {400}),
    "reopen-alert": ("post", ACT, SUPERVISE_KEYS, {200}),
    "analysis": ("get", SEE, READ_KEYS, {200}),
    "event-stream": ("get", SEE, READ_KEYS, {501}),
    "events": ("get", SEE, READ_KEYS, {200}),
    "search": ("get", SEE, READ_KEYS, {200}),
    "search-csv": ("get", SEE, READ_KEYS, {200}),
    "report-agents": ("get", SEE, READ_KEYS, {200}),
    "report-agents-csv": ("get", SEE, READ_KEYS, {200}),
    "report-queues": ("get", SEE, READ_KEYS, {200}),
    "report-queues-csv": ("get", SEE, READ_KEYS, {200}),
    "report-days": ("get", SEE, READ_KEYS, {200}),
    "report-days-csv": ("get", SEE, READ_KEYS, {200}),
}
# They set the site up, and are about no call: a key needs the scope admin, a person permissions
# that these groups do not have.
SET_UP = {
    "rules": "get", "try-rule": "post", "rule": "get", "try-stored-rule": "post",
    "webhooks": "get", "webhook": "get", "test-webhook": "post", "webhook-deliveries": "get",
    "targets": "get", "target": "get", "test-target": "post", "target-deliveries": "get",
    "keys": "get", "key": "get", "rotate-key": "post", "revoke-key": "post",
    "erasures": "post", "erasure": "get",
}  # fmt: skip


@pytest.fixture
def floor():
    return make_floor()


@pytest.fixture(autouse=True)
def _keys(settings) -> Iterator[None]:
    settings.API_AUTH = "key"
    ring.forget()
    yield
    ring.forget()


def address(namespace, name, floor, side):
    call, alert = getattr(floor, side), getattr(floor, f"{side}_alert")
    known = {
        "call_id": call.call_id, "alert_id": alert.pk, "action_id": 999, "screen_id": 999,
        "view_id": 999, "number": 999, "erasure_id": 999, "session_id": 999, "note_id": 999,
        "name": "vip",
    }  # fmt: skip
    wanted = next(iter(get_resolver_of(namespace).reverse_dict.getlist(name)))[0][0][1]
    kwargs = {each: known[each] for each in wanted}
    return reverse(f"{namespace}:{name}" if namespace else name, kwargs=kwargs)


def get_resolver_of(namespace):
    if namespace:
        return get_resolver().namespace_dict[namespace][1]
    return get_resolver()


def ask(client, method, path, **headers):
    # What one role does must not be there for the next one.
    with transaction.atomic():
        kept = {"content_type": "application/json"} if path.startswith("/v1/") else {}
        answer = getattr(client, method)(path, **({} if method == "get" else kept), headers=headers)
        transaction.set_rollback(True)
    return answer


def verdict(answer, yes):
    if answer.status_code == 302 and "/login/" in answer["Location"] and 302 not in yes - {302}:
        return LOGIN if "next=" in answer["Location"] else YES
    return YES if answer.status_code in yes else answer.status_code


@pytest.mark.parametrize("name", PAGES)
def test_each_role_has_the_page_access_in_the_table(floor, name):
    method, expected, yes = PAGES[name]

    found = {role: found_for(floor, "supervisor", name, role, method, yes) for role in PEOPLE}

    assert found == same_where_gone_is_yes(expected, yes)


def found_for(floor, namespace, name, role, method, yes):
    client = Client()
    if role != "anonymous":
        client.force_login(floor.users[role], "django.contrib.auth.backends.ModelBackend")
    sides = ("own", "other")
    paths = [address(namespace, name, floor, side) for side in sides]
    return tuple(verdict(ask(client, method, path), yes) for path in paths)


def same_where_gone_is_yes(expected, yes):
    """A route that finds nothing here answers 404 either way, as it should."""
    if GONE not in yes:
        return expected
    return {
        role: tuple(YES if cell == GONE else cell for cell in cells)
        for role, cells in expected.items()
    }


@pytest.mark.parametrize("name", sorted(OF_ACCOUNTS))
def test_the_pages_of_an_account_need_a_login(floor, name):
    path = address("supervisor", name, floor, "own")

    answers = {method: ask(Client(), method, path) for method in ("get", "post")}

    for answer in answers.values():
        assert answer.status_code == 405 or "/login/" in answer["Location"]


@pytest.mark.parametrize("name", [name for name, row in API.items() if row[1]])
def test_each_role_has_the_api_access_in_the_table(floor, name):
    method, expected, _, yes = API[name]
    wanted = {**expected, "anonymous": (401, 401)}

    found = {role: found_for(floor, "", api(name), role, method, yes) for role in PEOPLE}

    assert found == same_where_gone_is_yes(wanted, yes)


@pytest.mark.parametrize("name", API)
def test_each_scope_of_a_key_has_the_access_in_the_table(floor, name):
    method, _, expected, yes = API[name]
    path = address("", api(name), floor, "own")

    found = {}
    for scope in expected:
        _, plain = create_key(name=scope, scopes=[scope])
        ring.forget()
        answer = ask(Client(), method, path, authorization=f"Bearer {plain}")
        found[scope] = verdict(answer, yes)

    assert found == expected


@pytest.mark.parametrize("name", API)
def test_the_api_is_closed_without_a_key(floor, name):
    answer = ask(Client(), API[name][0], address("", api(name), floor, "own"))

    assert answer.status_code == 401


@pytest.mark.parametrize("name", SET_UP)
@pytest.mark.parametrize("role", ["nobody", "Agent", "Supervisor", "Quality", "Auditor", "staff"])
def test_the_site_is_set_up_by_operators_only(floor, name, role):
    client = Client()
    client.force_login(floor.users[role], "django.contrib.auth.backends.ModelBackend")

    answer = ask(client, SET_UP[name], address("", api(name), floor, "own"))

    assert answer.status_code == 403


@pytest.mark.parametrize("name", SET_UP)
@pytest.mark.parametrize("scope", ["ingest", "read", "supervise"])
def test_the_site_is_set_up_by_keys_with_the_scope_admin_only(floor, name, scope):
    _, plain = create_key(name=scope, scopes=[scope])
    ring.forget()
    headers = {"authorization": f"Bearer {plain}"}

    answer = ask(Client(), SET_UP[name], address("", api(name), floor, "own"), **headers)

    assert answer.status_code == 403


def api(name):
    return name


def test_every_route_has_a_row():
    pages = {pattern.name for pattern in patterns(get_resolver_of("supervisor"))}
    routes = {
        p.name for p in patterns(get_resolver()) if p.lookup_str.startswith("calls.api.views")
    }

    assert pages == {*PAGES, *OF_ACCOUNTS, *BEFORE_LOGIN}
    assert routes == {*API, *SET_UP}


def patterns(resolver) -> Iterator[URLPattern]:
    for each in resolver.url_patterns:
        if isinstance(each, URLResolver):
            yield from patterns(each)
        else:
            yield each
