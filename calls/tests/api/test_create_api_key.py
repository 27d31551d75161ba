"""``manage.py create_api_key``."""

from __future__ import annotations

import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from calls.keys import create_key, digest, ring
from calls.models import ApiKey

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
    assert f"--revoke {key.prefix}" in shown
    assert ring.find(plain) is not None


def test_scopes_may_be_given_in_any_order_and_twice():
    run("dashboard", "--scope", "read", "--scope", "operate", "--scope", "read")

    assert ApiKey.objects.get().scopes == ["operate", "read"]


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
def test_what_cannot_be_done_is_said_clearly_and_makes_no_key(arguments, says):
    with pytest.raises(CommandError, match=says):
        run(*arguments)

    assert not ApiKey.objects.exists()


def test_the_list_shows_every_key_and_no_secret():
    old, old_plain = create_key(name="old", scopes=["read"])
    create_key(name="new", scopes=["ingest", "operate"])
    run("--revoke", old.prefix)

    shown = run("--list")

    assert [line.split()[-1] for line in shown.splitlines()] == ["new", "old"]
    assert "ingest,operate" in shown.splitlines()[0]
    assert "revoked" in shown.splitlines()[1]
    assert old_plain not in shown
    assert old.digest not in shown


def test_an_empty_list_says_how_to_make_a_key():
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
