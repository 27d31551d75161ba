"""Settings of single sign-on: OpenID provider, directory, groups, and local passwords."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from callcenter.configuration.directory import DIRECTORY, LOOPBACK, Directory, read_directory
from callcenter.configuration.environment import Environment

AXES = "axes.backends.AxesStandaloneBackend"
MODEL = "django.contrib.auth.backends.ModelBackend"
LOCAL = "calls.accounts.local.LocalBackend"
OIDC = "calls.accounts.oidc.ProviderBackend"
ENDPOINTS = ("OIDC_AUTHORIZATION_ENDPOINT", "OIDC_TOKEN_ENDPOINT", "OIDC_JWKS_ENDPOINT")
AN_ADDRESS = "an address with https://"
Groups = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class OpenId:
    """The OpenID provider. Without endpoints, its issuer publishes them."""

    issuer: str
    client_id: str
    client_secret: str
    label: str
    scopes: str
    username_claim: str
    groups_claim: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_endpoint: str
    userinfo_endpoint: str
    end_session_endpoint: str
    logout: bool  # whether a logout here ends the login there
    algorithm: str = "RS256"
    timeout: float = 5  # seconds for each of three or four requests
    callback: str = "supervisor:sign-on-callback"

    @property
    def is_on(self) -> bool:
        return bool(self.issuer or self.client_id or self.client_secret)


@dataclass(frozen=True)
class SignOn:
    oidc: OpenId
    directory: Directory
    groups: Groups  # those here by those there
    local_passwords: Sequence[str]  # usernames; empty: all

    @property
    def is_on(self) -> bool:
        return self.oidc.is_on or self.directory.is_on

    @property
    def backends(self) -> list[str]:
        """Return the backends. Passwords of this site come first: that needs no other machine."""
        directory = [DIRECTORY] if self.directory.is_on else []
        return [AXES, LOCAL if self.local_passwords else MODEL, *self.elsewhere, *directory]

    @property
    def elsewhere(self) -> list[str]:
        """Backends that have already asked for a second factor, if one is required."""
        return [OIDC] if self.oidc.is_on else []


def read_sign_on(env: Environment) -> SignOn:
    found = SignOn(
        oidc=_read_oidc(env),
        directory=read_directory(env),
        groups=env.parsed("SSO_GROUPS", read_groups, "", "a list like callcenter-leads:Supervisor"),
        local_passwords=env.items("LOCAL_PASSWORDS", []),
    )
    if found.is_on and not found.groups:
        env.note(
            "SSO_GROUPS is not set, so nobody could sign on. Map groups of your provider or "
            "directory to groups here, such as callcenter-leads:Supervisor."
        )
    if found.local_passwords and not found.is_on:
        env.note("LOCAL_PASSWORDS names who may use a password, but single sign-on is off.")
    return found


def _read_oidc(env: Environment) -> OpenId:
    found = OpenId(
        issuer=_address(env, "OIDC_ISSUER"),
        client_id=env.text("OIDC_CLIENT_ID"),
        client_secret=env.text("OIDC_CLIENT_SECRET"),
        label=env.text("OIDC_LABEL", "single sign-on"),
        scopes=env.text("OIDC_SCOPES", "openid email profile"),
        username_claim=env.text("OIDC_USERNAME_CLAIM", "preferred_username"),
        groups_claim=env.text("OIDC_GROUPS_CLAIM", "groups"),
        authorization_endpoint=_address(env, "OIDC_AUTHORIZATION_ENDPOINT"),
        token_endpoint=_address(env, "OIDC_TOKEN_ENDPOINT"),
        jwks_endpoint=_address(env, "OIDC_JWKS_ENDPOINT"),
        userinfo_endpoint=_address(env, "OIDC_USERINFO_ENDPOINT"),
        end_session_endpoint=_address(env, "OIDC_END_SESSION_ENDPOINT"),
        logout=env.flag("OIDC_LOGOUT", default=True),
    )
    needed = {
        "OIDC_ISSUER": found.issuer,
        "OIDC_CLIENT_ID": found.client_id,
        "OIDC_CLIENT_SECRET": found.client_secret,
    }
    if found.is_on and (missing := [name for name, value in needed.items() if not value]):
        env.note(f"Single sign-on also needs {' and '.join(missing)}.")
    given = (found.authorization_endpoint, found.token_endpoint, found.jwks_endpoint)
    if any(given) and not all(given):
        env.note(f"Set all of {', '.join(ENDPOINTS)}, or none: the issuer then publishes them.")
    return found


def _address(env: Environment, name: str) -> str:
    """Read an address. It must use TLS: with forged responses, anybody could log in as anybody."""
    address = env.text(name, takes=AN_ADDRESS)
    try:
        parts = urlsplit(address)
        is_safe = parts.scheme == "https" or parts.hostname in LOOPBACK
        is_right = parts.scheme in ("http", "https") and bool(parts.hostname) and is_safe
    except ValueError:
        is_right = False
    if address and not is_right:
        env.note(f"{name} is {address!r}; it must be {AN_ADDRESS}.")
    return address


def read_groups(text: str) -> Groups:
    """Return the groups here that each group of the provider maps to. Its name may have colons."""
    found: Groups = {}
    for pair in filter(None, map(str.strip, text.split(","))):
        theirs, _, ours = (part.strip() for part in pair.rpartition(":"))
        if not theirs or not ours:
            raise ValueError(
                f"SSO_GROUPS has {pair!r}; it must be like callcenter-leads:Supervisor,qa:Quality."
            )
        found[theirs] = (*found.get(theirs, ()), ours)
    return found


def library_settings(found: SignOn) -> dict[str, Any]:
    """Return the settings of Django and of mozilla-django-oidc."""
    return {
        "AUTHENTICATION_BACKENDS": found.backends,
        "OIDC_RP_CLIENT_ID": found.oidc.client_id,
        "OIDC_RP_CLIENT_SECRET": found.oidc.client_secret,
        "OIDC_RP_SCOPES": found.oidc.scopes,
        "OIDC_RP_SIGN_ALGO": found.oidc.algorithm,
        "OIDC_USE_PKCE": True,
        "OIDC_TIMEOUT": found.oidc.timeout,
        "OIDC_AUTHENTICATION_CALLBACK_URL": found.oidc.callback,
    }
