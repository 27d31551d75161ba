"""Changes of keys, passwords and second factors are recorded with their author, without secrets."""

from __future__ import annotations

import getpass
import re

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.db import DatabaseError
from django.urls import reverse

from calls.accounts import passwords
from calls.accounts.second_factor import renew_recovery_codes, take_factor_away
from calls.models import ApiKey, AuditEntry, LoginSession

pytestmark = pytest.mark.django_db


def told():
    return [
        (entry.actor_kind, entry.action, entry.object_kind, entry.details)
        for entry in AuditEntry.objects.order_by("id")
    ]


def test_commands_about_keys_are_recorded_without_the_secret(capsys):
    call_command("create_api_key", "pbx")
    key = ApiKey.objects.get()
    call_command("rotate_api_key", key.prefix)
    call_command("revoke_api_key", key.prefix)

    name = str(key)
    assert told() == [
        ("command", "add", "API key", {"name": name}),
        ("command", "change", "API key", {"name": name, "fields": ["secret"]}),
        ("command", "change", "API key", {"name": name, "fields": ["revoked_at"]}),
    ]
    secrets = re.findall(r"cc_\w+", capsys.readouterr().out)
    assert not any(secret in str(told()) for secret in secrets if len(secret) > 20)


def test_a_password_change_is_recorded_without_the_password(client):
    user = User.objects.create_user("ana", password="old-Rhubarb-17")
    client.force_login(user)

    client.post(
        reverse("supervisor:password"),
        {"password": "old-Rhubarb-17", "new_password1": "new-Quince-18",
         "new_password2": "new-Quince-18"},
    )  # fmt: skip

    entry = AuditEntry.objects.get(action="password")
    assert (entry.actor_kind, entry.actor, entry.object_id) == ("person", "ana", str(user.pk))
    assert "Quince" not in str(told())


def test_changes_of_a_second_factor_are_recorded():
    user = User.objects.create_user("ana")
    renew_recovery_codes(user)
    take_factor_away(user, by=user)  # there is none
    user.totpdevice_set.create(name="App", confirmed=True)
    take_factor_away(user, by=user)

    assert [action for _, action, *_ in told()] == ["factor_codes", "factor_off"]


def test_an_account_created_by_command_is_recorded(monkeypatch, capsys):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "new-Quince-18")
    order = ("createsuperuser", "--noinput", "--username=root", "--email=root@example.com")
    call_command(*order)

    assert told() == [("command", "add", "user", {"name": "root"})]
    assert getpass.getuser() in AuditEntry.objects.get().actor
    with pytest.raises(CommandError):
        call_command(*order)  # there is one of this name
    assert AuditEntry.objects.count() == User.objects.count() == 1


def test_a_password_set_by_command_is_recorded_and_ends_all_logins(client, monkeypatch, capsys):
    user = User.objects.create_user("ana", password="old-Rhubarb-17")
    client.force_login(user)
    before = AuditEntry.objects.count()
    typed = ["1234", "1234", "new-Quince-18", "new-Quince-18"]  # the first one is too short
    monkeypatch.setattr(getpass, "getpass", lambda prompt="": typed.pop(0))

    call_command("changepassword", "ana")

    assert told()[before:] == [("command", "password", "user", {"name": "ana"})]
    assert not LoginSession.objects.exists()
    user.refresh_from_db()
    assert user.check_password("new-Quince-18")


def test_a_password_set_by_command_is_not_stored_if_it_cannot_be_recorded(monkeypatch, capsys):
    user = User.objects.create_user("ana", password="old-Rhubarb-17")
    monkeypatch.setattr(getpass, "getpass", lambda prompt="": "new-Quince-18")
    monkeypatch.setattr(passwords, "record_change", refuse)

    with pytest.raises(DatabaseError):
        call_command("changepassword", "ana")

    user.refresh_from_db()
    assert user.check_password("old-Rhubarb-17")
    user.first_name = "Ana"
    user.save()  # nothing of the command stays behind
    assert not AuditEntry.objects.exists()


def refuse(*args, **options):
    raise DatabaseError("the disk is full")


@pytest.mark.parametrize(("group", "may_hold"), [("Supervisor", True), ("Agent", False)])
def test_supervisors_may_hold_calls(group, may_hold):
    found = Group.objects.get(name=group).permissions.filter(codename="hold_call")

    assert found.exists() == may_hold
