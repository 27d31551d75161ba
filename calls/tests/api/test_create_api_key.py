"""``manage.py create_api_key``."""

from __future__ import annotations

import re
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from calls.keys import create_key, digest, ring
from calls.models import ApiKey, DisplayScreen

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("create_api_key", *arguments, stdout=out)
    return out.getvalue()


def test_a_key_is_shown_with_how_to_use_it_and_only_its_digest_is_stored():
    shown = run("PBX Berlin")

    (plain,) = set(re.findall(r"cc_[0-9a-f]{8}_[\w-]{43}", shown))
    key = ApiKey.objects.get()
    assert (key.name, key.scopes, key.digest) == ("PBX Berlin", ["ingest"], digest(plain))
    assert f"Authorization: Bearer {plain}" in shown
    assert f"revoke_api_key {key.prefix}" in shown
    assert "ingest     Send packets, start and end calls" in shown
    assert ring.find(plain) is not None


def test_scopes_may_be_given_in_any_order_and_twice():
    run("dashboard", "--scope", "read", "--scope", "supervise", "--scope", "read")

    assert ApiKey.objects.get().scopes == ["read", "supervise"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "NAME: This field cannot be blank"),
        ([""], "NAME: This field cannot be blank"),
        (["x" * 101], "at most 100 characters"),
        (["  "], "NAME: This field cannot be blank"),
        (["x", "--scope", "root"], "invalid choice: 'root'"),
        (["x", "--list"], "neither a name nor a scope"),
        (["--list", "--scope", "read"], "neither a name nor a scope"),
        (["x", "--revoke", "abc"], "neither a name nor a scope"),
        (["--list", "--revoke", "abc"], "not allowed with"),
        (["--revoke", "abc"], "no key with the prefix 'abc'"),
        (["--revoke", ""], "no key with the prefix ''"),
    ],
    ids=lambda value: " ".join(value)[:20] if isinstance(value, list) else "",
)
def test_an_invalid_command_is_explained_and_creates_no_key(arguments, says):
    with pytest.raises(CommandError, match=says):
        run(*arguments)

    assert not ApiKey.objects.exists()


def test_the_list_shows_every_key_and_no_secret():
    old, old_plain = create_key(name="old", scopes=["read"])
    create_key(name="new", scopes=["ingest", "supervise"])
    run("--revoke", old.prefix)

    shown = run("--list")

    assert [line.split()[-1] for line in shown.splitlines()] == ["NAME", "new", "old"]
    assert "ingest,supervise" in shown.splitlines()[1]
    assert "revoked" in shown.splitlines()[2]
    assert old_plain not in shown
    assert old.digest not in shown


def test_an_empty_list_says_how_to_create_a_key():
    assert "create_api_key NAME" in run("--list")


@pytest.mark.parametrize("start", ["", "cc_"])
def test_a_revoked_key_is_refused_at_once(start):
    key, plain = create_key(name="PBX", scopes=["ingest"])

    shown = run("--revoke", start + key.prefix)

    assert f"PBX ({key.prefix}…) is revoked" in shown
    assert ring.find(plain) is None


def test_a_key_is_revoked_once():
    key, _ = create_key(name="PBX", scopes=["ingest"])
    run("--revoke", key.prefix)
    revoked_at = ApiKey.objects.get().revoked_at

    with pytest.raises(CommandError, match="has been revoked since"):
        run("--revoke", key.prefix)

    assert ApiKey.objects.get().revoked_at == revoked_at


def test_a_key_may_expire_and_be_bound_to_networks():
    shown = run("PBX", "--expires", "2100-01-31", "--network", "10.0.0.0/8", "--network", "::1")

    key = ApiKey.objects.get()
    assert f"{key.expires_at:%F %H:%M}" == "2100-01-31 23:59"
    assert key.networks == ["10.0.0.0/8", "::1"]
    assert "It expires at 2100-01-31 23:59 UTC. It may be used from 10.0.0.0/8, ::1 only." in shown


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--expires", "yesterday"], "--expires: 'yesterday' must be a date"),
        (["--expires", "2020-01-31"], "--expires: 2020-01-31 is not in the future"),
        (["--network", "10.0.0.5/8"], r"--network: .* Did you mean 10\.0\.0\.0/8\?"),
    ],
)
def test_invalid_limits_create_no_key(arguments, says):
    with pytest.raises(CommandError, match=says):
        run("PBX", *arguments)

    assert not ApiKey.objects.exists()


def rotate(*arguments: str) -> str:
    out = StringIO()
    call_command("rotate_api_key", *arguments, stdout=out)
    return out.getvalue()


def test_a_key_is_rotated_and_says_until_when_the_old_secret_is_valid():
    key, old = create_key(name="PBX", scopes=["ingest"])

    shown = rotate(key.prefix, "--overlap", "2h")

    (plain,) = set(re.findall(r"cc_[0-9a-f]{8}_[\w-]{43}", shown))
    until = ApiKey.objects.get().previous_until
    assert f"The old one is valid until {until:%F %H:%M} UTC." in shown
    assert ring.find(plain).key_id == ring.find(old).key_id == key.pk
    with pytest.raises(CommandError, match=r"would end now.* Add --end-previous to do so"):
        rotate(key.prefix)
    again = rotate(key.prefix, "--keep-previous")
    assert f"The old one is valid until {until:%F %H:%M} UTC." in again
    assert ring.find(old).key_id == key.pk
    assert "The old one is no longer valid." in rotate(
        key.prefix, "--overlap", "0", "--end-previous"
    )


class Killed(BaseException):
    """The process is killed here."""


class Screen(StringIO):
    """Somebody reads what is shown, and the process is killed in that moment."""

    def flush(self) -> None:
        raise Killed


@pytest.mark.parametrize(
    "command", [("rotate_api_key", "{prefix}"), ("create_api_key", "n"), ("create_display", "n")]
)
def test_a_secret_is_valid_only_after_it_was_shown(command):
    key, _ = create_key(name="PBX", scopes=["ingest"])
    screen = Screen()

    with pytest.raises(Killed):
        call_command(*(each.format(prefix=key.prefix) for each in command), stdout=screen)

    assert "shown only once" in screen.getvalue()
    assert ApiKey.objects.get().digest == key.digest
    assert not DisplayScreen.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["abc"], "no key with the prefix 'abc'"),
        (["{prefix}", "--overlap", "soon"], "--overlap: 'soon' must be a number"),
        (["{prefix}", "--overlap", "91d"], "must be from 0 to 90 days"),
    ],
)
def test_an_impossible_rotation_says_why(arguments, says):
    key, _ = create_key(name="PBX", scopes=["ingest"])

    with pytest.raises(CommandError, match=says):
        rotate(*(argument.format(prefix=key.prefix) for argument in arguments))


def test_the_list_can_leave_out_expired_and_revoked_keys():
    over, _ = create_key(name="over", scopes=["read"])
    past = timezone.now() - timedelta(days=1)
    create_key(name="past", scopes=["read"], expires_at=past)
    create_key(name="good", scopes=["read"])
    call_command("revoke_api_key", over.prefix, stdout=StringIO())

    out = StringIO()
    call_command("list_api_keys", "--valid", stdout=out)

    assert [line.split()[-1] for line in out.getvalue().splitlines()] == ["NAME", "good"]
    assert f"expired {past:%F %H:%M}" in run("--list")
