"""A directory that is down, hangs, is misconfigured or cannot be trusted."""

from __future__ import annotations

import logging
import socket
import time

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.test import Client

from calls.doctor.facts import SignOnFacts
from calls.doctor.looking import read_facts
from calls.tests.programs import need_package
from supervisor.tests.factories import text_of
from supervisor.tests.sign_on.browser import is_in, log_in

pytestmark = pytest.mark.django_db
LOCAL_PASSWORD = "correct horse"


# --- Down -------------------------------------------------------------------------------------
def test_a_directory_that_is_down_is_named_and_local_accounts_still_log_in(
    directory, client, caplog
):
    User.objects.create_user("rescue", password=LOCAL_PASSWORD)
    directory.stop()

    with caplog.at_level(logging.WARNING, "calls.logins"):
        page = log_in(client)

    assert page.status_code == 503
    assert "The Acme directory does not respond, so your password" in text_of(page)
    assert "no login of 'ana' from 127.0.0.1: the directory: \"SERVER_DOWN" in caplog.text
    assert not AccessAttempt.objects.exists()  # an outage locks nobody out
    assert log_in(client, "rescue", LOCAL_PASSWORD).status_code == 302


def test_logins_continue_while_the_directory_is_down(directory, client):
    log_in(client)
    directory.stop()

    assert is_in(client)


@pytest.mark.parametrize("scheme", ["ldap", "ldaps"])
def test_a_hanging_directory_is_given_up_in_time(directory, client, set_up, scheme):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"{scheme}://127.0.0.1:{silent.getsockname()[1]}"
        set_up(LDAP_URL=address, LDAP_TIMEOUT="0.2")
        began = time.monotonic()

        page = log_in(client)

    assert page.status_code == 503
    assert time.monotonic() - began < 5


def test_the_second_address_is_tried_if_the_first_does_not_respond(directory, client, set_up):
    set_up(LDAP_URL=f"ldap://127.0.0.1:1 {directory.address}")

    assert log_in(client).status_code == 302


@pytest.mark.parametrize(
    ("values", "logged"),
    [
        ({"LDAP_BIND_PASSWORD": "wrong"}, "INVALID_CREDENTIALS"),
        ({"LDAP_USER_BASE": "ou=nowhere,dc=example,dc=com"}, "NO_SUCH_OBJECT"),
        ({"LDAP_GROUP_BASE": "ou=nowhere,dc=example,dc=com"}, "NO_SUCH_OBJECT"),
        ({"LDAP_USER_BASE": "nonsense"}, "INVALID_DN_SYNTAX"),
    ],
)
def test_a_wrong_setting_is_not_a_wrong_password_and_the_log_names_it(
    directory, client, set_up, caplog, values, logged
):
    set_up(**values)

    page = log_in(client)

    assert page.status_code == 503
    assert logged in caplog.text
    assert logged in read_facts().sign_on.errors["directory"]


def test_the_doctor_says_whether_the_directory_responds(directory, set_up):
    set_up(SSO_GROUPS="leads:Supervisor, ops:Nobody")
    assert read_facts().sign_on == SignOnFacts(errors={"directory": ""}, unknown_groups=("Nobody",))

    directory.stop()

    assert "SERVER_DOWN" in read_facts().sign_on.errors["directory"]


# --- TLS --------------------------------------------------------------------------------------
def test_passwords_are_sent_over_tls_if_the_certificate_is_trusted(directory, client, set_up):
    set_up(LDAP_URL=directory.tls_address, LDAP_CA_FILE=directory.ca_file)
    assert log_in(client).status_code == 302

    set_up(LDAP_URL=directory.address, LDAP_START_TLS="true")
    assert log_in(Client()).status_code == 302


@pytest.mark.parametrize("is_begun_late", [True, False])
def test_an_unknown_certificate_is_not_trusted(directory, client, set_up, is_begun_late, caplog):
    if is_begun_late:
        set_up(LDAP_START_TLS="true")
    else:
        set_up(LDAP_URL=directory.tls_address)

    assert log_in(client).status_code == 503
    assert "see LDAP_CA_FILE" in caplog.text


def test_a_certificate_of_another_host_is_not_trusted(directory, client, set_up):
    address = directory.tls_address.replace("127.0.0.1", "localhost")
    set_up(LDAP_URL=address, LDAP_CA_FILE=directory.ca_file)

    assert log_in(client).status_code == 503


# --- Identifiers ------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("value", "identifier"),
    [
        ("6f7c1f2e-0000-4000-8000-000000000001", "6f7c1f2e-0000-4000-8000-000000000001"),
        (bytes(range(240, 256)), "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"),  # objectGUID
        ("0123\n56789abcdef", "303132330a3536373839616263646566"),  # one that looks like text
        ("ä", "c3a4"),
        ("x" * 256, ""),
        ("", ""),
    ],
)
def test_an_identifier_is_text_or_the_digits_of_its_bytes(value, identifier):
    need_package("ldap", "requirements-ldap.txt")
    from calls.accounts.directory import _identifier

    class Entry:
        attrs = {"id": [value]} if value else {}

    assert _identifier(Entry, "id") == identifier
