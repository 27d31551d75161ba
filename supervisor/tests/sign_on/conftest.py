"""A site with single sign-on at a provider that really responds."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import Group

from callcenter.configuration.environment import Environment
from callcenter.configuration.sign_on import library_settings, read_sign_on
from calls.accounts.provider import forget_endpoints
from calls.tests.programs import need_package
from supervisor.tests.sign_on import openldap
from supervisor.tests.sign_on.provider import CLIENT, SECRET, Provider


@pytest.fixture
def set_up(settings, monkeypatch):
    """Apply settings of sign-on, as the environment gives them."""

    def apply(**values):
        for name, value in values.items():
            monkeypatch.setenv(name, value)
        env = Environment(Path("/nowhere"))
        settings.SIGN_ON = read_sign_on(env)
        for name, value in library_settings(settings.SIGN_ON).items():
            setattr(settings, name, value)
        assert env.problems == []

    return apply


@pytest.fixture
def provider(set_up, db):
    forget_endpoints()
    with Provider() as running:
        set_up(
            OIDC_ISSUER=running.issuer,
            OIDC_CLIENT_ID=CLIENT,
            OIDC_CLIENT_SECRET=SECRET,
            OIDC_LABEL="Acme",
            SSO_GROUPS="leads:Supervisor, /it/qa:Quality, ops:Operator, ops:Auditor",
        )
        yield running


@pytest.fixture
def directory(set_up, db, tmp_path):
    """A site whose people log in with the passwords of a directory, over a loopback address."""
    need_package("django_auth_ldap", "requirements-ldap.txt")
    with openldap.OpenLdap(tmp_path) as running:
        set_up(
            LDAP_URL=running.address,
            LDAP_BIND_DN=openldap.READER,
            LDAP_BIND_PASSWORD=openldap.SECRET,
            LDAP_USER_BASE=openldap.PEOPLE,
            LDAP_GROUP_BASE=openldap.GROUPS,
            LDAP_LABEL="Acme directory",
            SSO_GROUPS="leads:Supervisor, qa:Quality, ops:Operator",
        )
        yield running


@pytest.fixture(autouse=True)
def _groups(db):
    for name in ("Supervisor", "Quality", "Operator", "Auditor"):
        Group.objects.get_or_create(name=name)
