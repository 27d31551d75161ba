"""Every route and method by role and team, as ``tables`` has them. One without a row fails."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from calls.keys import create_key, ring
from calls.models import Team
from supervisor.tests.rights.floor import PEOPLE, make_floor
from supervisor.tests.rights.tables import (
    ADMIN_KEYS,
    API,
    BEFORE_ADMIN,
    BEFORE_LOGIN,
    FOR_ANY_CALL,
    GONE,
    LOGIN,
    NO,
    OF_ACCOUNTS,
    OTHER_ADDRESSES,
    OTHERS,
    PAGES,
    SET_UP,
    YES,
)

pytestmark = pytest.mark.django_db
SIDES = ("own", "other")


@pytest.fixture
def floor():
    return make_floor()


@pytest.fixture(autouse=True)
def _keys(settings) -> Iterator[None]:
    settings.API_AUTH = "key"
    ring.forget()
    yield
    ring.forget()


KNOWN = {
    "action_id": 999, "screen_id": 999, "view_id": 999, "number": 999, "erasure_id": 999,
    "session_id": 999, "note_id": 999, "name": "vip", "key_id": 999, "object_id": 999,
    "content_type_id": 999, "app_label": "calls", "url": "x",
}  # fmt: skip


def parameters(namespace, name):
    return set(next(iter(get_resolver_of(namespace).reverse_dict.getlist(name)))[0][0][1])


def address(namespace, name, floor, side):
    call, alert = getattr(floor, side), getattr(floor, f"{side}_alert")
    known = {**KNOWN, "call_id": call.call_id, "alert_id": alert.pk}
    kwargs = {each: known[each] for each in parameters(namespace, name)}
    return reverse(f"{namespace}:{name}" if namespace else name, kwargs=kwargs)


def admin_address(name):
    kwargs = {each: KNOWN.get(each, 999) for each in parameters("admin", name)}
    return reverse(f"admin:{name}", kwargs=kwargs)


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


@pytest.mark.parametrize(("name", "method"), PAGES)
def test_each_role_gets_what_the_table_says_of_a_page(floor, name, method):
    expected, yes = PAGES[name, method]

    found = {role: found_for(floor, "supervisor", name, role, method, yes) for role in PEOPLE}

    assert found == same_where_gone_is_yes(expected, yes)


def found_for(floor, namespace, name, role, method, yes):
    client = Client()
    if role != "anonymous":
        client.force_login(floor.users[role], "django.contrib.auth.backends.ModelBackend")
    paths = [address(namespace, name, floor, side) for side in SIDES]
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


@pytest.mark.parametrize(("name", "method"), [*API, *SET_UP])
def test_each_role_gets_what_the_table_says_of_the_api(floor, name, method):
    expected, yes = {**API, **SET_UP}[name, method][0], yes_of(name, method)
    wanted = {**expected, "anonymous": (401, 401)}

    found = {role: found_for(floor, "", name, role, method, yes) for role in PEOPLE}

    assert found == same_where_gone_is_yes(wanted, yes)


def yes_of(name, method):
    return {**API, **SET_UP}[name, method][-1]


@pytest.mark.parametrize("teams", ["all teams", "one team"])
@pytest.mark.parametrize(("name", "method"), [*API, *SET_UP])
def test_each_scope_of_a_key_gets_what_the_table_says(floor, name, method, teams):
    yes, is_limited = yes_of(name, method), teams == "one team"
    by_scope = API[name, method][1] if (name, method) in API else ADMIN_KEYS
    paths = [address("", name, floor, side) for side in SIDES]

    found = {}
    for scope in by_scope:
        key = key_with(scope, [Team.objects.get(name="Sales").pk] if is_limited else None)
        found[scope] = tuple(verdict(ask(Client(), method, path, **key), yes) for path in paths)

    cell = limited(name, method) if is_limited else (YES, YES)
    wanted = {scope: (NO, NO) if by_scope[scope] == NO else cell for scope in by_scope}
    assert found == same_where_gone_is_yes(wanted, yes)


def key_with(scope, teams):
    _, plain = create_key(name=scope, scopes=[scope], teams=teams)
    ring.forget()
    return {"authorization": f"Bearer {plain}"}


def limited(name, method):
    """Return what a key gets that is limited to the first team, if its scope is enough."""
    if (name, method) in SET_UP:
        return (NO, NO)
    is_about_a_call = {"call_id", "alert_id"} & parameters("", name)
    return (YES, GONE) if is_about_a_call and name not in FOR_ANY_CALL else (YES, YES)


@pytest.mark.parametrize(("name", "method"), [*API, *SET_UP])
def test_the_api_is_closed_without_a_key(floor, name, method):
    answer = ask(Client(), method, address("", name, floor, "own"))

    assert answer.status_code == 401


@pytest.mark.parametrize("name", OTHERS)
def test_other_routes_are_the_same_for_every_visitor(floor, name):
    path = OTHER_ADDRESSES.get(name) or reverse(name)

    for role in PEOPLE:
        client = Client()
        if role != "anonymous":
            client.force_login(floor.users[role], "django.contrib.auth.backends.ModelBackend")
        assert client.get(path).status_code in OTHERS[name], role


def test_only_staff_opens_a_page_of_the_admin(floor):
    names = {each.name for each in patterns(get_resolver_of("admin"))} - {None, *BEFORE_ADMIN}
    paths = [admin_address(name) for name in sorted(names)]
    assert len(paths) > 100
    outsiders = [role for role in PEOPLE if role not in ("staff", "superuser", "anonymous")]

    for role in outsiders:
        client = Client()
        client.force_login(floor.users[role], "django.contrib.auth.backends.ModelBackend")
        for path in paths:
            answer = ask(client, "get", path)
            assert answer.status_code == 302, (role, path)
            assert "/login/" in answer["Location"], (role, path)


# Every route is in a table.


def test_every_route_and_method_of_the_api_has_a_row():
    routes = {
        (pattern.name, method)
        for pattern in patterns(get_resolver())
        if pattern.lookup_str.startswith("calls.api.views")
        for method in pattern.callback.actions.keys() - {"head"}
    }

    assert routes == {*API, *SET_UP}


def test_every_page_and_each_method_that_it_takes_has_a_row(floor):
    pages = {pattern.name for pattern in patterns(get_resolver_of("supervisor"))}
    client = Client()
    client.force_login(floor.users["superuser"], "django.contrib.auth.backends.ModelBackend")
    wanted = pages - OF_ACCOUNTS - BEFORE_LOGIN

    taken = {
        (name, method)
        for name in wanted
        for method in ("get", "post", "put", "patch", "delete")
        if ask(client, method, address("supervisor", name, floor, "own")).status_code != 405
    }

    assert taken == set(PAGES)
    assert pages == {name for name, _ in PAGES} | OF_ACCOUNTS | BEFORE_LOGIN


def test_every_other_route_has_a_row():
    others = [
        each
        for each in get_resolver().url_patterns
        if isinstance(each, URLPattern) and not each.lookup_str.startswith("calls.api.views")
    ]
    folders = {
        str(each.pattern) for each in get_resolver().url_patterns if isinstance(each, URLResolver)
    }

    assert {each.name or str(each.pattern) for each in others} == set(OTHERS)
    assert folders == {"v1/", "supervisor/", "admin/"}


def patterns(resolver) -> Iterator[URLPattern]:
    for each in resolver.url_patterns:
        if isinstance(each, URLResolver):
            yield from patterns(each)
        else:
            yield each
