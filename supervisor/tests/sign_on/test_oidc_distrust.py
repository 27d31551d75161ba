"""What single sign-on does not trust, and what it does when the provider is broken."""

from __future__ import annotations

import time

import pytest
from django.contrib.auth.models import User
from django.test import Client
from joserfc.jwk import OctKey

from calls.accounts.provider import forget_endpoints
from calls.doctor.looking import read_facts
from supervisor.tests.factories import text_of
from supervisor.tests.sign_on.browser import CALLBACK, LOGIN, START, go_to_provider, is_in, sign_on
from supervisor.tests.sign_on.provider import SECRET, make_key

pytestmark = pytest.mark.django_db


# --- Not to be trusted ------------------------------------------------------------------------
BAD_TOKENS = {
    "expired": {"exp": int(time.time()) - 3600},
    "without an end": {"exp": None},
    "for somebody else": {"aud": "another client"},
    "for nobody": {"aud": None},
    "of another issuer": {"iss": "https://evil.example"},
    "with another nonce": {"nonce": "another"},
    "without a nonce": {"nonce": None},
    "of another person than the userinfo": {"sub": "u-2"},
    "of nobody": {"sub": None},
    "with an end that is no time": {"exp": "tomorrow"},
}


@pytest.mark.parametrize("claims", BAD_TOKENS.values(), ids=BAD_TOKENS)
def test_a_token_is_refused(provider, client, claims):
    provider.token_claims = claims

    page = sign_on(client)

    assert page.status_code == 400
    assert "Sign-on could not be verified" in text_of(page)
    assert not is_in(client)
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ({"alg": "RS256", "kid": "k1"}, make_key("another")),
        ({"alg": "RS256", "kid": "k2"}, make_key("published")),
        ({"alg": "RS256"}, make_key("published")),
        ({"alg": "RS512", "kid": "k1"}, make_key("published")),
        ({"alg": "HS256", "kid": "k1"}, OctKey.import_key(SECRET)),
        ({"alg": "none", "kid": "k1"}, OctKey.import_key(SECRET)),
    ],
    ids=["another key", "unknown key", "no key", "RS512", "secret", "none"],
)
@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_a_signature_is_refused(provider, client, header, key):
    provider.header, provider.signs_with = header, key

    assert sign_on(client).status_code == 400
    assert not User.objects.exists()


def test_a_response_for_another_browser_is_refused(provider, client):
    address = go_to_provider(Client())
    client.get(START)

    page = client.get(address)

    assert page.status_code == 400
    assert "This sign-on is over" in text_of(page)
    assert not is_in(client)


def test_a_response_works_once(provider, client):
    address = go_to_provider(client)
    client.get(address)
    client.post("/supervisor/logout/")

    assert client.get(address).status_code == 400


@pytest.mark.parametrize(
    "asked", ["", "?code=x", "?code=x&state=y", "?error=x", "?error=x&state=y"]
)
def test_a_forged_response_is_refused_and_logs_nobody_out(provider, client, asked):
    sign_on(client)

    assert client.get(CALLBACK + asked).status_code == 400
    assert is_in(client)


def test_a_person_who_declines_at_the_provider_is_told_so(provider, client):
    provider.error = "access_denied"

    page = sign_on(client)

    assert page.status_code == 403
    assert "Acme ended the sign-on: access_denied." in text_of(page)


def test_a_password_login_never_contacts_the_provider(provider, client):
    User.objects.create_user("bo", password="correct horse")
    form = {"username": "bo", "password": "wrong"}

    response = client.post(f"{LOGIN}?code=x&state=y", form)

    assert response.status_code == 200
    assert provider.asked == []


# --- Broken -----------------------------------------------------------------------------------
def test_a_provider_that_is_down_gets_a_clear_page_at_the_start(provider, client):
    provider.stop()

    page = client.get(START)

    assert page.status_code == 503
    assert "Acme does not respond. Try again in a minute." in text_of(page)


def test_a_provider_that_goes_down_meanwhile_gets_a_clear_page(provider, client):
    address = go_to_provider(client)
    provider.stop()

    assert client.get(address).status_code == 503


def test_the_doctor_says_whether_the_provider_responds(provider):
    assert read_facts().sign_on.errors == {"OpenID provider": ""}

    provider.stop()

    assert "did not say where" in read_facts().sign_on.errors["OpenID provider"]


@pytest.mark.parametrize("path", ["/token", "/userinfo", "/keys"])
@pytest.mark.parametrize("answer", [500, 403, b"<html>", b"[]", b"null", b"{}", b"[1]", b'"x"'])
def test_an_invalid_response_never_causes_a_500(provider, client, path, answer):
    address = go_to_provider(client)
    provider.broken[path] = answer

    assert client.get(address).status_code in (400, 503)
    assert not is_in(client)


@pytest.mark.parametrize("answer", [500, 404, b"<html>", b"[]", b"{}", b'{"issuer": "x"}'])
def test_a_broken_discovery_is_not_remembered(provider, client, answer):
    forget_endpoints()
    provider.broken["/.well-known/openid-configuration"] = answer
    assert client.get(START).status_code == 503

    provider.broken.clear()

    assert sign_on(client).status_code == 302


def test_an_issuer_with_another_name_is_not_trusted(provider, client, set_up):
    set_up(OIDC_ISSUER=f"{provider.issuer}/")

    assert client.get(START).status_code == 503
