"""Logins with the password of a directory, against a real OpenLDAP."""

from __future__ import annotations

import logging

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from calls.models import AuditEntry, LoginSession, SignOnIdentity
from supervisor.tests.factories import text_of
from supervisor.tests.sign_on.browser import ACCOUNT, LOGIN, SETTINGS, is_in, log_in
from supervisor.tests.sign_on.openldap import (
    BASE,
    GROUPS,
    LOCKED_FOR_GOOD,
    PASSWORD,
    dn_of,
    person,
)

pytestmark = pytest.mark.django_db
LOCAL_PASSWORD = "correct horse"
KEY = "31" * 20


def groups_of(name):
    return set(User.objects.get(username=name).groups.values_list("name", flat=True))


def is_refused_as_wrong(page):
    return page.status_code == 200 and "correct username and password" in text_of(page)


# --- In ---------------------------------------------------------------------------------------
def test_somebody_new_logs_in_and_gets_an_account_with_mapped_groups(directory, client):
    response = log_in(client, target=SETTINGS)

    assert response.url == SETTINGS
    assert is_in(client)
    ana = User.objects.get()
    assert (ana.username, ana.email) == ("ana", "ana@example.com")
    assert ana.get_full_name() == "Ana Li"
    assert groups_of("ana") == {"Supervisor"}
    assert not ana.has_usable_password()
    assert not ana.is_staff
    assert LoginSession.objects.get().user == ana
    assert "You log in through your organisation." in text_of(client.get(ACCOUNT))


def test_the_login_page_says_which_password_it_expects(directory, client):
    assert "Use your username and password of the Acme directory." in text_of(client.get(LOGIN))


@pytest.mark.parametrize("name", ["ANA", "ana ", " Ana", "ana\n"])
def test_a_name_is_the_same_in_any_case_and_with_spaces_around_it(directory, client, name):
    log_in(client)

    log_in(Client(), name)

    assert [user.username for user in User.objects.all()] == ["ana"]
    assert SignOnIdentity.objects.count() == 1


def test_a_name_that_ldap_must_escape_is_found_with_its_groups(directory, client):
    log_in(client, "a+b")

    assert is_in(client)
    assert groups_of("a+b") == {"Supervisor"}


def test_groups_and_details_are_renewed_at_each_login_and_others_stay(directory, client):
    log_in(client)
    User.objects.get().groups.add(Group.objects.create(name="Night shift"))
    directory.change(f"cn=qa,{GROUPS}", member=[dn_of("ana")])
    directory.change(f"cn=leads,{GROUPS}", member=[dn_of("bo")])
    directory.change(dn_of("ana"), sn=["Berg"])

    log_in(Client())

    assert groups_of("ana") == {"Quality", "Night shift"}
    assert User.objects.get().last_name == "Berg"


def test_a_person_renamed_in_the_directory_keeps_the_account(directory, client):
    log_in(client)
    directory.rename(dn_of("ana"), "uid=ana.berg")
    directory.change(f"cn=leads,{GROUPS}", member=[dn_of("ana.berg")])

    log_in(Client(), "ana.berg")

    assert [user.username for user in User.objects.all()] == ["ana"]


@pytest.mark.parametrize(
    ("values", "groups"),
    [
        ({"LDAP_NESTED_GROUPS": "true"}, {"Supervisor", "Operator"}),
        ({"LDAP_MEMBER_ATTRIBUTE": "uniqueMember", "SSO_GROUPS": "unique:Auditor"}, {"Auditor"}),
        ({"LDAP_MEMBER_ATTRIBUTE": "memberUid", "SSO_GROUPS": "posix:Auditor"}, {"Auditor"}),
    ],
    ids=["nested", "uniqueMember", "memberUid"],
)
def test_groups_are_found_in_every_membership_schema(directory, client, set_up, values, groups):
    set_up(**values)

    log_in(client)

    assert groups_of("ana") == groups


def test_a_person_is_never_taken_for_a_group(directory, client, set_up):
    set_up(
        LDAP_MEMBER_ATTRIBUTE="memberUid",
        LDAP_GROUP_BASE=BASE,
        SSO_GROUPS="posix:Auditor, Bo Berg:Operator",
    )

    log_in(client)

    assert groups_of("ana") == {"Auditor"}  # though Bo has the same gidNumber


# --- Refused ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "password"),
    [("ana", "wrong"), ("ana", " "), ("ana", f" {PASSWORD}"), ("nobody", PASSWORD)],
)
def test_a_wrong_password_and_an_unknown_name_get_the_same_response(
    directory, client, name, password
):
    page = log_in(client, name, password)

    assert is_refused_as_wrong(page)
    assert not is_in(client)
    assert not User.objects.exists()
    assert [entry.action for entry in AuditEntry.objects.all()] == ["sign_in_failed"]


@pytest.mark.parametrize(
    "name",
    ["*", "an*", "ana)(uid=*", "*)(objectClass=*", "ana\\2a", "\\61na", "ana,ou=people", "(", "\\",
     "ana)(|(uid=*", "%s", "%(user)s", "ána", "x" * 150],
)  # fmt: skip
def test_ldap_syntax_in_a_name_has_no_effect(directory, client, name):
    assert is_refused_as_wrong(log_in(client, name))
    assert not User.objects.exists()


def test_an_account_that_is_locked_in_the_directory_stays_out(directory, client):
    log_in(client)
    directory.change(dn_of("ana"), pwdAccountLockedTime=[LOCKED_FOR_GOOD])

    assert is_refused_as_wrong(log_in(Client()))


def test_somebody_without_a_password_in_the_directory_stays_out(directory, client):
    directory.change(dn_of("ana"), userPassword=[])

    assert is_refused_as_wrong(log_in(client))


def test_people_outside_the_user_filter_are_refused(directory, client, set_up):
    set_up(LDAP_USER_FILTER="(&(objectClass=person)(!(sn=Li)))")

    assert is_refused_as_wrong(log_in(client))
    assert log_in(client, "bo").status_code == 302


def test_a_name_that_two_people_have_is_refused(directory, client, set_up):
    directory.add(person("ana", "Ana", "Two").replace("ou=people", "ou=groups"))
    set_up(LDAP_USER_BASE=BASE)

    assert is_refused_as_wrong(log_in(client))


def test_a_person_without_a_mapped_group_is_refused_and_gets_no_account(directory, client, caplog):
    directory.change(f"cn=leads,{GROUPS}", member=[dn_of("bo")])

    with caplog.at_level(logging.WARNING, "calls.logins"):
        page = log_in(client)

    assert page.status_code == 403
    assert "None of your groups may use this site." in text_of(page)
    assert not User.objects.exists()
    assert "failed login of 'ana' from 127.0.0.1: None of your groups" in caplog.text
    assert AuditEntry.objects.get().action == "sign_in_failed"


def test_a_person_who_loses_the_last_mapped_group_loses_rights_and_logins(directory):
    here, elsewhere = Client(), Client()
    log_in(elsewhere)
    directory.change(f"cn=leads,{GROUPS}", member=[dn_of("bo")])

    assert log_in(here).status_code == 403

    assert groups_of("ana") == set()
    assert not is_in(elsewhere)


def test_a_deactivated_account_stays_out_and_its_logins_end_at_once(directory, client):
    log_in(client)
    User.objects.update(is_active=False)

    page = log_in(Client())

    assert not is_in(client)
    assert page.status_code == 403
    assert "Your account on this site is deactivated." in text_of(page)


def test_ten_wrong_passwords_lock_the_name_as_for_every_login(directory, client):
    for _ in range(10):
        page = log_in(client, password="wrong")

    assert page.status_code == 429
    assert log_in(client).status_code == 429


def test_the_attribute_with_the_username_is_a_setting(directory, client, set_up):
    set_up(LDAP_USERNAME_ATTRIBUTE="employeeNumber")
    directory.change(dn_of("ana"), employeeNumber=["17"])

    log_in(client, "17")

    assert groups_of("17") == {"Supervisor"}


def test_an_identifier_that_the_directory_does_not_show_is_named(directory, client, set_up):
    set_up(LDAP_ID_ATTRIBUTE="employeeNumber")

    page = log_in(client)

    assert page.status_code == 403
    assert "The directory does not show this site your employeeNumber." in text_of(page)


# --- Passwords of this site -------------------------------------------------------------------
def test_an_account_with_a_local_password_is_checked_only_here(directory, client):
    User.objects.create_user("ana", password=LOCAL_PASSWORD)

    assert is_refused_as_wrong(log_in(client))
    directory.stop()
    assert is_refused_as_wrong(log_in(client, "Ana", "wrong"))
    assert log_in(client, password=LOCAL_PASSWORD).status_code == 302


def test_a_person_with_a_forbidden_local_password_is_told_whom_to_ask(directory, client, set_up):
    for name in ("ana", "rescue"):
        User.objects.create_user(name, password=LOCAL_PASSWORD)
    set_up(LOCAL_PASSWORDS="rescue")

    page = log_in(client)

    assert page.status_code == 403
    assert "belongs to an account that logs in with a password here" in text_of(page)
    assert 'name="password"' in client.get(LOGIN).content.decode()
    assert "Only a few accounts" not in text_of(client.get(LOGIN))
    assert log_in(client, "rescue", LOCAL_PASSWORD).status_code == 302


def test_an_account_that_waits_for_its_person_is_linked(directory, client):
    waiting = User.objects.create_user("ana", is_staff=True)

    log_in(client)

    identity = SignOnIdentity.objects.get()
    assert (identity.user, identity.provider) == (waiting, "ldap:ou=people,dc=example,dc=com")


# --- The second factor ------------------------------------------------------------------------
def test_the_site_asks_for_its_second_factor(directory, client):
    log_in(client)
    client.post("/supervisor/logout/")
    TOTPDevice.objects.create(user=User.objects.get(), key=KEY, name="app")

    response = log_in(client, target=SETTINGS)
    assert response.url == f"{LOGIN}code/"
    assert not is_in(client)
    code = f"{totp(bytes.fromhex(KEY)):06d}"

    assert client.post(response.url, {"code": code}).url == SETTINGS
    assert is_in(client)


def test_a_required_second_factor_is_set_up_at_the_first_login(directory, client, settings):
    settings.SECOND_FACTOR = "all"

    assert log_in(client).url == f"{LOGIN}set-up/"
    assert not is_in(client)


def test_the_directory_password_confirms_account_changes(directory, client):
    log_in(client)
    TOTPDevice.objects.create(user=User.objects.get(), key=KEY, name="app")
    off = f"{ACCOUNT}second-factor/off/"

    assert "Wrong password." in text_of(client.post(off, {"password": "wrong"}))
    directory.stop()
    page = client.post(off, {"password": PASSWORD})
    assert "The Acme directory does not respond" in text_of(page)
    directory.start()
    assert client.post(off, {"password": PASSWORD}).status_code == 302
    assert not TOTPDevice.objects.exists()
