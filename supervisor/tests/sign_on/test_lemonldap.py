"""Single sign-on at LemonLDAP::NG, a provider that others have written."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from calls.accounts.provider import forget_endpoints
from supervisor.tests.sign_on.browser import BOARD, CALLBACK, START, is_in, log_out
from supervisor.tests.sign_on.lemonldap import CLIENT, PASSWORDS, SECRET, Browser, LemonLdap

pytestmark = pytest.mark.django_db
BACK = f"http://testserver{CALLBACK}"


@pytest.fixture(scope="module")
def portal(tmp_path_factory):
    with LemonLdap(tmp_path_factory.mktemp("lemonldap"), BACK) as running:
        yield running


@pytest.fixture
def site(portal, set_up):
    forget_endpoints()
    set_up(
        OIDC_ISSUER=portal.issuer,
        OIDC_CLIENT_ID=CLIENT,
        OIDC_CLIENT_SECRET=SECRET,
        OIDC_SCOPES="openid email profile groups",
        SSO_GROUPS="timelords:Supervisor, users:Quality",
    )
    yield portal
    forget_endpoints()


def sign_on(client, name, browser=None):
    away = client.get(START)
    assert away.status_code == 302
    back = (browser or Browser()).log_in(away.url, name, PASSWORDS.get(name, "wrong"), BACK)
    assert back.startswith(BACK), back
    return client.get(back.removeprefix("http://testserver"))


def groups_of(name):
    return set(User.objects.get(username=name).groups.values_list("name", flat=True))


def test_people_sign_on_with_their_accounts_and_groups(site, client):
    assert sign_on(client, "dwho").url == BOARD
    assert sign_on(Client(), "rtyler").url == BOARD

    assert is_in(client)
    assert User.objects.get(username="dwho").email == "dwho@badwolf.org"
    assert groups_of("dwho") == {"Supervisor", "Quality"}
    assert groups_of("rtyler") == {"Quality"}


def test_who_is_signed_on_at_the_portal_is_not_asked_again(site):
    browser = Browser()
    sign_on(Client(), "dwho", browser)

    assert sign_on(Client(), "", browser).url == BOARD
    assert User.objects.count() == 1


def test_a_wrong_password_stays_at_the_portal(site, client):
    away = client.get(START)

    page = Browser().log_in(away.url, "dwho", "wrong", BACK)

    assert 'name="password"' in page
    assert not User.objects.exists()


def test_whoever_has_no_mapped_group_is_refused(site, client, set_up):
    set_up(SSO_GROUPS="timelords:Supervisor")

    answer = sign_on(client, "rtyler")

    assert answer.status_code == 403
    assert not is_in(client)
    assert not User.objects.exists()


def test_a_logout_ends_the_login_at_the_portal(site, client):
    browser = Browser()
    sign_on(client, "dwho", browser)

    _, away = log_out(client)
    browser.go(away)

    page = browser.log_in(client.get(START).url, "", "", BACK)
    assert 'name="password"' in page
