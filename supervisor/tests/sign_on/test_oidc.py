"""Single sign-on by OpenID Connect, against a provider that responds over HTTP."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client

from calls.models import LoginSession, SignOnIdentity
from supervisor.tests.factories import text_of
from supervisor.tests.sign_on.browser import (
    ACCOUNT,
    BOARD,
    CALLBACK,
    LOGIN,
    SETTINGS,
    START,
    go_to_provider,
    is_in,
    sign_on,
)

pytestmark = pytest.mark.django_db


def groups_of(name):
    return set(User.objects.get(username=name).groups.values_list("name", flat=True))


# --- In ---------------------------------------------------------------------------------------
def test_somebody_new_signs_on_and_gets_an_account_with_mapped_groups(provider, client):
    response = sign_on(client)

    assert response.url == BOARD
    assert is_in(client)
    ana = User.objects.get(username="ana")
    assert (ana.email, ana.first_name, ana.last_name) == ("ana@example.com", "Ana", "Li")
    assert groups_of("ana") == {"Supervisor"}
    assert not ana.has_usable_password()
    assert not ana.is_staff
    assert not ana.is_superuser
    assert LoginSession.objects.get().user == ana


def test_sign_on_redirects_to_the_wanted_page_and_never_off_the_site(provider):
    assert sign_on(Client(), SETTINGS).url == SETTINGS
    assert sign_on(Client(), "https://evil.example/").url == BOARD
    assert sign_on(Client(), "//evil.example/").url == BOARD


def test_the_login_page_offers_sign_on_by_name_and_keeps_the_target(provider, client):
    page = client.get(LOGIN, {"next": "/supervisor/?q=a&sort=-b"})

    assert "Sign in with Acme" in text_of(page)
    assert f'href="{START}?next=%2Fsupervisor%2F%3Fq%3Da%26sort%3D-b"' in page.content.decode()
    assert 'name="password"' in page.content.decode()


def test_a_site_without_a_provider_offers_no_sign_on(client):
    assert "Sign in with" not in text_of(client.get(LOGIN))
    assert client.get(START).status_code == 404
    assert client.get(CALLBACK).status_code == 404


def test_groups_and_details_are_renewed_at_each_sign_on_and_others_stay(provider, client):
    sign_on(client)
    User.objects.get(username="ana").groups.add(Group.objects.create(name="Night shift"))
    provider.claims |= {"groups": ["/it/qa", "ops", "unknown"], "family_name": "Berg"}

    sign_on(client)

    assert groups_of("ana") == {"Quality", "Operator", "Auditor", "Night shift"}
    assert User.objects.get().last_name == "Berg"


def test_a_person_renamed_at_the_provider_keeps_the_account(provider, client):
    sign_on(client)
    provider.claims["preferred_username"] = "ana.berg"

    sign_on(Client())

    assert [user.username for user in User.objects.all()] == ["ana"]


@pytest.mark.parametrize(
    ("name", "claims"),
    [
        ("groups", {"groups": "leads"}),
        ("realm_access.roles", {"realm_access": {"roles": ["leads"]}}),
        ("https://acme.example/roles", {"https://acme.example/roles": ["leads"]}),
    ],
)
def test_groups_are_read_from_the_claim_that_the_setting_names(
    provider, client, set_up, name, claims
):
    set_up(OIDC_GROUPS_CLAIM=name)
    provider.claims = {"sub": "u-1", "preferred_username": "ana", **claims}

    sign_on(client)

    assert groups_of("ana") == {"Supervisor"}


def test_a_provider_without_userinfo_puts_all_claims_in_the_token(provider, client, set_up):
    set_up(
        OIDC_AUTHORIZATION_ENDPOINT=f"{provider.issuer}/authorize",
        OIDC_TOKEN_ENDPOINT=f"{provider.issuer}/token",
        OIDC_JWKS_ENDPOINT=f"{provider.issuer}/keys",
    )
    provider.token_claims = dict(provider.claims)

    sign_on(client)

    assert groups_of("ana") == {"Supervisor"}
    assert set(provider.asked) == {"/authorize", "/token", "/keys"}


def test_the_second_factor_of_the_site_is_left_to_the_provider(provider, client, settings):
    settings.SECOND_FACTOR = "all"

    assert sign_on(client).url == BOARD

    assert is_in(client)
    assert "Your sign-on service asks for it" in text_of(client.get(ACCOUNT))
    assert client.get(f"{ACCOUNT}second-factor/").url == ACCOUNT


@pytest.mark.django_db(transaction=True)
def test_two_first_sign_ons_at_once_make_one_account(provider):
    clients = [Client() for _ in range(4)]
    ways_back = [go_to_provider(client) for client in clients]

    def come_back(client, address):
        try:
            return client.get(address).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(come_back, clients, ways_back))

    assert answers == [302] * 4
    assert User.objects.count() == SignOnIdentity.objects.count() == 1


# --- Refused ----------------------------------------------------------------------------------
def test_a_person_without_a_mapped_group_is_refused_and_gets_no_account(provider, client, caplog):
    provider.claims["groups"] = ["cooks"]

    with caplog.at_level(logging.WARNING, "calls.logins"):
        page = sign_on(client)

    assert page.status_code == 403
    assert "None of your groups may use this site." in text_of(page)
    assert not User.objects.exists()
    assert "failed sign-on from 127.0.0.1" in caplog.text


def test_a_person_who_loses_the_last_mapped_group_loses_rights_and_logins(provider):
    here, elsewhere = Client(), Client()
    sign_on(elsewhere)
    provider.claims["groups"] = []

    assert sign_on(here).status_code == 403

    assert groups_of("ana") == set()
    assert not is_in(elsewhere)
    assert not is_in(here)


def test_a_deactivated_account_stays_out_and_its_logins_end_at_once(provider, client):
    sign_on(client)
    User.objects.update(is_active=False)

    page = sign_on(Client())

    assert not is_in(client)
    assert page.status_code == 403
    assert "Your account on this site is deactivated." in text_of(page)


@pytest.mark.parametrize("name", ["ana", "Ana"])
@pytest.mark.parametrize("is_superuser", [True, False])
def test_an_account_with_a_password_is_never_taken_over_by_its_name(
    provider, client, name, is_superuser
):
    User.objects.create_user(name, password="correct horse", is_superuser=is_superuser)

    page = sign_on(client)

    assert page.status_code == 403
    assert "logs in with a password here" in text_of(page)
    assert not is_in(client)
    assert groups_of(name) == set()


def test_an_account_that_was_made_for_sign_on_is_linked_but_never_a_superuser(provider, client):
    waiting = User.objects.create_user("ana", is_staff=True)

    assert sign_on(client).status_code == 302
    assert SignOnIdentity.objects.get().user == waiting

    SignOnIdentity.objects.all().delete()
    User.objects.update(is_superuser=True)
    assert sign_on(Client()).status_code == 403


def test_another_person_of_the_same_name_does_not_get_the_account(provider, client):
    sign_on(client)
    provider.claims["sub"] = "u-2"

    assert sign_on(Client()).status_code == 403


@pytest.mark.parametrize("name", [None, "", 7, "ana berg", "ana\nberg", "x" * 151])
def test_an_invalid_username_is_refused(provider, client, name):
    provider.claims["preferred_username"] = name

    assert sign_on(client).status_code == 403
    assert not User.objects.exists()


@pytest.mark.parametrize("groups", [None, 7, {"leads": 1}, [["leads"], None, 7]])
def test_groups_in_an_unknown_format_are_ignored(provider, client, groups):
    provider.claims["groups"] = groups

    assert sign_on(client).status_code == 403


# --- Local passwords --------------------------------------------------------------------------
def test_only_named_accounts_keep_their_password(provider, client, set_up):
    for name in ("rescue", "bo"):
        User.objects.create_user(name, password="correct horse")
    bo = Client()
    bo.post(LOGIN, {"username": "bo", "password": "correct horse"})
    assert is_in(bo)

    set_up(LOCAL_PASSWORDS="rescue")

    assert not is_in(bo)
    bo.post(LOGIN, {"username": "bo", "password": "correct horse"})
    assert not is_in(bo)
    client.post(LOGIN, {"username": "rescue", "password": "correct horse"})
    assert is_in(client)
    page = text_of(Client().get(LOGIN))
    assert "Only a few accounts of this site still have one." in page
    assert sign_on(Client()).status_code == 302
