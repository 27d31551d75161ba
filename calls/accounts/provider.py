"""The OpenID provider of the site: its endpoints, and the errors that it may cause."""

from __future__ import annotations

import time
from dataclasses import dataclass
from urllib.parse import urlencode

import requests
from django.conf import settings

from calls.accounts.login_log import log

KNOWN_FOR_S = 3600
LONGEST_HINT = 4000  # characters; some servers refuse addresses that are longer than 8 KiB
DISCOVERY = "/.well-known/openid-configuration"
# When each issuer was asked, by the clock of time.monotonic, and what it said.
_known: dict[str, tuple[float, Endpoints]] = {}


class ProviderDown(Exception):
    """The provider cannot be reached, or says that it cannot answer."""


class BadAnswer(Exception):
    """The response does not prove who somebody is."""


@dataclass(frozen=True)
class Endpoints:
    authorization: str
    token: str
    jwks: str
    userinfo: str = ""  # some providers put everything into the ID token
    end_session: str = ""  # some do not let other sites end their logins


def find_endpoints() -> Endpoints:
    """Return the endpoints of the settings, or else those that the issuer publishes.

    Raises ProviderDown.
    """
    oidc = settings.SIGN_ON.oidc
    if oidc.authorization_endpoint:
        return Endpoints(
            oidc.authorization_endpoint,
            oidc.token_endpoint,
            oidc.jwks_endpoint,
            oidc.userinfo_endpoint,
            oidc.end_session_endpoint,
        )
    asked_at, found = _known.get(oidc.issuer, (float("-inf"), None))
    if found is None or time.monotonic() - asked_at > KNOWN_FOR_S:
        found = _discover(oidc.issuer, oidc.timeout)
        _known[oidc.issuer] = (time.monotonic(), found)
    return found


def _discover(issuer: str, timeout: float) -> Endpoints:
    url = issuer.rstrip("/") + DISCOVERY
    try:
        response = requests.get(url, timeout=timeout)
        response.raise_for_status()
        said = response.json()
        found = Endpoints(
            said["authorization_endpoint"],
            said["token_endpoint"],
            said["jwks_uri"],
            said.get("userinfo_endpoint", ""),
            _address(said.get("end_session_endpoint")),
        )
        named = said["issuer"]
    except (requests.RequestException, LookupError, TypeError, AttributeError) as error:
        raise ProviderDown(f"{url} did not say where the provider answers: {error!r}") from error
    if named != issuer:
        raise ProviderDown(f"OIDC_ISSUER is {issuer!r}, but {url} calls itself {named!r}")
    return found


def _address(value: object) -> str:
    """Return an address that may stand on a page, or nothing."""
    text = value if isinstance(value, str) else ""
    return text if text.startswith(("https://", "http://")) else ""


def logout_address(*, id_token: str, back: str) -> str:
    """Return where to log out at the provider, or nothing if it publishes none or is down."""
    oidc = settings.SIGN_ON.oidc
    if not (oidc.is_on and oidc.logout):
        return ""
    try:
        where = find_endpoints().end_session
    except ProviderDown as error:
        log.warning("a login at the provider continues: %.500r", str(error))
        return ""
    if not where:
        return ""
    told = {"client_id": oidc.client_id, "post_logout_redirect_uri": back}
    if 0 < len(id_token) <= LONGEST_HINT:
        told["id_token_hint"] = id_token
    return f"{where}{'&' if '?' in where else '?'}{urlencode(told)}"


def forget_endpoints() -> None:
    _known.clear()
