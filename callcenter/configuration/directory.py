"""Settings of the directory: the LDAP server that checks passwords, and what its entries say."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from callcenter.configuration.environment import Environment

DIRECTORY = "calls.accounts.directory.DirectoryBackend"
MEMBERS = ("member", "uniqueMember", "memberUid")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
AN_ADDRESS = "an address such as ldaps://ldap.example.com"
AN_ATTRIBUTE = "the name of an attribute"
ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9.-]*")


@dataclass(frozen=True)
class Directory:
    """The LDAP server: where people and groups are in it, and the names of their attributes."""

    url: str  # several are tried in order
    start_tls: bool
    ca_file: str
    bind_dn: str
    bind_password: str
    user_base: str
    user_filter: str
    username_attribute: str
    id_attribute: str
    group_base: str
    member_attribute: str
    nested_groups: bool
    label: str
    timeout: float

    @property
    def is_on(self) -> bool:
        return bool(self.url or self.user_base or self.group_base or self.bind_dn)


def read_directory(env: Environment) -> Directory:
    found = Directory(
        url=env.text("LDAP_URL", takes=AN_ADDRESS),
        start_tls=env.flag("LDAP_START_TLS", default=False),
        ca_file=env.text("LDAP_CA_FILE", takes="a file"),
        bind_dn=env.text("LDAP_BIND_DN"),
        bind_password=env.text("LDAP_BIND_PASSWORD"),
        user_base=env.text("LDAP_USER_BASE"),
        user_filter=env.text("LDAP_USER_FILTER", "(objectClass=person)", "an LDAP filter"),
        username_attribute=_attribute(env, "LDAP_USERNAME_ATTRIBUTE", "uid"),
        id_attribute=_attribute(env, "LDAP_ID_ATTRIBUTE", "entryUUID"),
        group_base=env.text("LDAP_GROUP_BASE"),
        member_attribute=env.choice("LDAP_MEMBER_ATTRIBUTE", MEMBERS, MEMBERS[0]),
        nested_groups=env.flag("LDAP_NESTED_GROUPS", default=False),
        label=env.text("LDAP_LABEL", "directory"),
        timeout=env.number("LDAP_TIMEOUT", 5, 0.1, 60),
    )
    if found.is_on:
        for problem in _problems(found):
            env.note(problem)
    return found


def _attribute(env: Environment, name: str, default: str) -> str:
    value = env.text(name, default, AN_ATTRIBUTE)
    if not ATTRIBUTE.fullmatch(value):
        env.note(f"{name} is {value!r}; it must be {AN_ATTRIBUTE}, such as {default}.")
    return value


def _problems(found: Directory) -> Iterator[str]:
    needed = {
        "LDAP_URL": found.url,
        "LDAP_USER_BASE": found.user_base,
        "LDAP_GROUP_BASE": found.group_base,
    }
    if missing := [name for name, value in needed.items() if not value]:
        yield f"Logins through LDAP also need {' and '.join(missing)}."
    for address in found.url.split():
        if problem := _problem_of(address, has_start_tls=found.start_tls):
            yield problem
    if bool(found.bind_dn) != bool(found.bind_password):
        yield (
            "LDAP_BIND_DN and LDAP_BIND_PASSWORD belong together. Set both, or neither if the "
            "directory allows anonymous searches."
        )
    if found.ca_file and not _is_readable(found.ca_file):
        yield f"LDAP_CA_FILE is {found.ca_file!r}, which cannot be read."
    if not _is_filter(found.user_filter):
        yield f"LDAP_USER_FILTER is {found.user_filter!r}; it must be like (objectClass=person)."
    if found.nested_groups and found.member_attribute == "memberUid":
        yield "LDAP_NESTED_GROUPS is true, but groups with memberUid contain only people."
    if find_spec("django_auth_ldap") is None or find_spec("ldap") is None:
        yield "LDAP_URL needs packages: pip install -r requirements-ldap.txt"


def _problem_of(address: str, *, has_start_tls: bool) -> str:
    """Return what is wrong with an address. It gets passwords, so it takes TLS or this machine."""
    try:
        parts = urlsplit(address)
        is_address = parts.scheme == "ldapi" or (bool(parts.hostname) and parts.port != 0)
    except ValueError:
        parts, is_address = SplitResult("", "", "", "", ""), False
    if parts.scheme not in ("ldap", "ldaps", "ldapi") or not is_address:
        return f"LDAP_URL is {address!r}; it must be {AN_ADDRESS}."
    if parts.scheme != "ldap" and has_start_tls:
        return f"LDAP_START_TLS is for ldap://, and LDAP_URL is {address!r}. Remove one of them."
    if parts.scheme == "ldap" and not has_start_tls and parts.hostname not in LOOPBACK:
        return (
            f"LDAP_URL is {address!r}, which would send passwords in the clear. Use ldaps://, or "
            "set LDAP_START_TLS=true."
        )
    return ""


def _is_readable(path: str) -> bool:
    return Path(path).is_file() and os.access(path, os.R_OK)


def _is_filter(text: str) -> bool:
    """Whether the parentheses of a filter match. Within values, they are written as codes."""
    depth = 0
    for at, character in enumerate(text):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth < 1 and at < len(text) - 1:
            return False
    return text.startswith("(") and depth == 0
