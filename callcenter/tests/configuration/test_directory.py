"""Settings of the directory: which values are accepted, and what is said about wrong ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from callcenter.configuration import directory
from callcenter.configuration.environment import Environment
from callcenter.configuration.sign_on import read_sign_on

FINE = {
    "LDAP_URL": "ldaps://ldap.example.com",
    "LDAP_USER_BASE": "ou=people,dc=example,dc=com",
    "LDAP_GROUP_BASE": "ou=groups,dc=example,dc=com",
    "SSO_GROUPS": "leads:Supervisor",
}
IN_THE_CLEAR = "would send passwords in the clear. Use ldaps://, or set LDAP_START_TLS=true."


@pytest.fixture(autouse=True)
def _installed(monkeypatch):
    monkeypatch.setattr(directory, "find_spec", lambda name: name)


def read(monkeypatch, **values):
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    env = Environment(Path("/nowhere"))
    return read_sign_on(env), env.problems


def test_complete_settings_are_accepted_and_local_passwords_come_first(monkeypatch):
    found, problems = read(monkeypatch, **FINE)

    assert problems == []
    assert [name.rpartition(".")[2] for name in found.backends] == [
        "AxesStandaloneBackend",
        "ModelBackend",
        "DirectoryBackend",
    ]
    assert found.elsewhere == []  # the second factor is asked here


@pytest.mark.parametrize(
    "values",
    [
        {"LDAP_URL": "ldaps://a.example.com ldaps://b.example.com:1636"},
        {"LDAP_URL": "ldap://ldap.example.com", "LDAP_START_TLS": "true"},
        {"LDAP_URL": "ldap://localhost:1389"},
        {"LDAP_URL": "ldap://[::1]"},
        {"LDAP_URL": "ldapi://%2Fvar%2Frun%2Fslapd%2Fldapi"},
        {"LDAP_URL": "ldapi:///"},
        {"LDAP_USER_FILTER": "(&(objectClass=user)(!(sn=\\28x\\29)))"},
        {"LDAP_BIND_DN": "cn=reader,dc=example,dc=com", "LDAP_BIND_PASSWORD": "x"},
    ],
)
def test_other_valid_settings_are_accepted(monkeypatch, values):
    assert read(monkeypatch, **(FINE | values))[1] == []


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"LDAP_URL": ""}, "Logins through LDAP also need LDAP_URL."),
        ({"LDAP_USER_BASE": ""}, "Logins through LDAP also need LDAP_USER_BASE."),
        ({"SSO_GROUPS": ""}, "SSO_GROUPS is not set"),
        ({"LDAP_URL": "ldap.example.com"}, "LDAP_URL is 'ldap.example.com'; it must be"),
        ({"LDAP_URL": "https://ldap.example.com"}, "it must be an address such as ldaps://"),
        ({"LDAP_URL": "ldaps://"}, "LDAP_URL is 'ldaps://'"),
        ({"LDAP_URL": "ldaps://[x"}, "LDAP_URL is 'ldaps://[x'"),
        ({"LDAP_URL": "ldaps://x:99999"}, "LDAP_URL is 'ldaps://x:99999'"),
        ({"LDAP_URL": "ldap://ldap.example.com"}, IN_THE_CLEAR),
        ({"LDAP_URL": "ldaps://a.example.com ldap://b.example.com"}, IN_THE_CLEAR),
        ({"LDAP_URL": "ldap://localhost.example.com"}, IN_THE_CLEAR),
        ({"LDAP_START_TLS": "true"}, "LDAP_START_TLS is for ldap://"),
        ({"LDAP_BIND_DN": "cn=reader"}, "LDAP_BIND_DN and LDAP_BIND_PASSWORD belong together."),
        ({"LDAP_BIND_PASSWORD": "x"}, "LDAP_BIND_DN and LDAP_BIND_PASSWORD belong together."),
        ({"LDAP_CA_FILE": "/nowhere/ca.pem"}, "'/nowhere/ca.pem', which cannot be read"),
        ({"LDAP_USER_FILTER": "objectClass=person"}, "must be like (objectClass=person)"),
        ({"LDAP_USER_FILTER": "(a=b)(c=d)"}, "must be like (objectClass=person)"),
        ({"LDAP_USER_FILTER": "(a=b"}, "must be like (objectClass=person)"),
        ({"LDAP_ID_ATTRIBUTE": "entry UUID"}, "LDAP_ID_ATTRIBUTE is 'entry UUID'"),
        ({"LDAP_USERNAME_ATTRIBUTE": "uid)("}, "LDAP_USERNAME_ATTRIBUTE is 'uid)('"),
        ({"LDAP_MEMBER_ATTRIBUTE": "owner"}, "one of member, uniqueMember, memberUid"),
        (
            {"LDAP_MEMBER_ATTRIBUTE": "memberUid", "LDAP_NESTED_GROUPS": "true"},
            "groups with memberUid contain only people",
        ),
        ({"LDAP_TIMEOUT": "0"}, "LDAP_TIMEOUT is '0'; it must be a number from 0.1 to 60."),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch, values, said):
    _, problems = read(monkeypatch, **(FINE | values))

    assert len(problems) == 1
    assert said in problems[0]


def test_missing_packages_are_named_with_their_requirements_file(monkeypatch):
    monkeypatch.setattr(directory, "find_spec", lambda name: None)

    assert read(monkeypatch, **FINE)[1] == [
        "LDAP_URL needs packages: pip install -r requirements-ldap.txt"
    ]
    for name in FINE:
        monkeypatch.delenv(name)
    assert read(monkeypatch)[1] == []


def test_local_passwords_can_be_limited_to_a_few_accounts(monkeypatch):
    found, problems = read(monkeypatch, **FINE, LOCAL_PASSWORDS="rescue")

    assert problems == []
    assert found.backends[1] == "calls.accounts.local.LocalBackend"
