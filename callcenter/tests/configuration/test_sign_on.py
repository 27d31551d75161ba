"""Settings of single sign-on: which values are accepted, and what is said about wrong ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from callcenter.configuration.environment import Environment
from callcenter.configuration.sign_on import read_sign_on

FINE = {
    "OIDC_ISSUER": "https://login.example.com/realms/acme",
    "OIDC_CLIENT_ID": "callcenter",
    "OIDC_CLIENT_SECRET": "x",
    "SSO_GROUPS": "leads:Supervisor",
}


def read(monkeypatch, **values):
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    env = Environment(Path("/nowhere"))
    return read_sign_on(env), env.problems


def test_sign_on_is_off_unless_it_is_set_up(monkeypatch):
    found, problems = read(monkeypatch)

    assert problems == []
    assert not found.oidc.is_on
    assert len(found.backends) == 2


def test_complete_settings_are_accepted(monkeypatch):
    found, problems = read(monkeypatch, **FINE)

    assert problems == []
    assert found.backends[-1] == "calls.accounts.oidc.ProviderBackend"
    assert found.elsewhere == ["calls.accounts.oidc.ProviderBackend"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"OIDC_CLIENT_SECRET": ""}, "Single sign-on also needs OIDC_CLIENT_SECRET."),
        ({"SSO_GROUPS": ""}, "SSO_GROUPS is not set"),
        ({"SSO_GROUPS": "leads"}, "SSO_GROUPS has 'leads'"),
        ({"SSO_GROUPS": "leads:"}, "SSO_GROUPS has 'leads:'"),
        ({"OIDC_ISSUER": "http://login.example.com"}, "OIDC_ISSUER is 'http://login.example.com'"),
        ({"OIDC_ISSUER": "https://[x"}, "OIDC_ISSUER is 'https://[x'"),
        ({"OIDC_TOKEN_ENDPOINT": "https://login.example.com/t"}, "Set all of"),
        ({"OIDC_USERINFO_ENDPOINT": "login"}, "OIDC_USERINFO_ENDPOINT is 'login'"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch, values, said):
    _, problems = read(monkeypatch, **(FINE | values))

    assert said in " ".join(problems)


def test_passwords_cannot_be_off_without_single_sign_on(monkeypatch):
    _, problems = read(monkeypatch, LOCAL_PASSWORDS="rescue")

    assert problems == ["LOCAL_PASSWORDS names who may use a password, but single sign-on is off."]


def test_a_provider_group_may_map_to_several_groups_and_have_colons(monkeypatch):
    found, _ = read(monkeypatch, SSO_GROUPS="a:b:Supervisor, a:b:Quality,ops : Operator,")

    assert found.groups == {"a:b": ("Supervisor", "Quality"), "ops": ("Operator",)}
