"""A logout also ends the login at the OpenID provider, if it publishes an endpoint."""

from __future__ import annotations

import html
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from django.contrib.auth.models import User
from django.test import Client

from calls.accounts.provider import forget_endpoints
from supervisor.tests.factories import text_of
from supervisor.tests.sign_on.browser import LOGIN, is_in, log_out, sign_on
from supervisor.tests.sign_on.provider import CLIENT

pytestmark = pytest.mark.django_db


@pytest.fixture
def ending(provider):
    """A provider that says where its logins end."""
    provider.announced = {"end_session_endpoint": f"{provider.issuer}/logout?flow=short"}
    return provider


def test_a_logout_also_ends_the_login_at_the_provider(ending, client):
    sign_on(client)

    page, away = log_out(client)

    assert not is_in(client)
    assert "Log out at Acme" in text_of(page)
    assert f'href="{html.escape(away)}"' in page.content.decode()
    assert away.startswith(f"{ending.issuer}/logout?flow=short&")
    told = {name: value[0] for name, value in parse_qs(urlsplit(away).query).items()}
    assert (told["client_id"], told["post_logout_redirect_uri"]) == (
        CLIENT,
        f"http://testserver{LOGIN}",
    )
    claims = jwt.decode(told["id_token_hint"], options={"verify_signature": False})
    assert claims["sub"] == "u-1"
    assert "no-store" in page["Cache-Control"]


def test_a_token_that_is_too_long_for_an_address_is_left_out(ending, client):
    ending.token_claims = {"groups": ["x" * 5000]}
    sign_on(client)

    _, away = log_out(client)

    assert away
    assert "id_token_hint" not in away


def test_without_a_logout_endpoint_the_logout_is_local(provider, client):
    sign_on(client)

    assert log_out(client)[0].url == LOGIN
    assert not is_in(client)


def test_a_site_may_keep_the_login_at_the_provider(ending, client, set_up):
    set_up(OIDC_LOGOUT="false")
    sign_on(client)

    assert log_out(client)[0].url == LOGIN


def test_a_logout_works_while_the_provider_is_down(ending, client):
    sign_on(client)
    ending.stop()
    forget_endpoints()

    assert log_out(client)[0].url == LOGIN
    assert not is_in(client)


def test_a_password_login_ends_locally(ending):
    User.objects.create_user("bo", password="correct horse")
    client = Client()
    client.post(LOGIN, {"username": "bo", "password": "correct horse"})

    assert log_out(client)[0].url == LOGIN


@pytest.mark.parametrize("where", ["javascript:alert(1)", "logout", 7, None, ["https://x"]])
def test_an_invalid_logout_address_is_not_put_on_a_page(provider, client, where):
    provider.announced = {"end_session_endpoint": where}
    sign_on(client)

    assert log_out(client)[0].url == LOGIN


def test_unpublished_endpoints_can_be_set(provider, client, set_up):
    set_up(
        OIDC_AUTHORIZATION_ENDPOINT=f"{provider.issuer}/authorize",
        OIDC_TOKEN_ENDPOINT=f"{provider.issuer}/token",
        OIDC_JWKS_ENDPOINT=f"{provider.issuer}/keys",
        OIDC_USERINFO_ENDPOINT=f"{provider.issuer}/userinfo",
        OIDC_END_SESSION_ENDPOINT=f"{provider.issuer}/logout",
    )
    sign_on(client)

    assert log_out(client)[1].startswith(f"{provider.issuer}/logout?client_id=")
