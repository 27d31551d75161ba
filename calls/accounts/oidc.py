"""The backend of OpenID Connect: from the code of a finished sign-in to an account.

The protocol is mozilla-django-oidc's. It leaves audience, issuer and expiry to us.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jwt
import requests
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest
from django.urls import reverse
from mozilla_django_oidc.auth import OIDCAuthenticationBackend

from calls.accounts.provider import BadAnswer, ProviderDown, find_endpoints
from calls.accounts.sign_on import Person, SignOnRefused, admit_person, plain_text

CLOCK_SKEW_S = 30
SUBJECT_LENGTH = 255  # as the standard says
UNNAMED = "The sign-on service does not send your username. It should be in the claim {claim}."
MALFORMED = (
    SuspiciousOperation,
    jwt.PyJWTError,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
)


class ProviderBackend(OIDCAuthenticationBackend):  # type: ignore[misc]
    """Raises ProviderDown, BadAnswer and SignOnRefused. Only the page of the callback calls it."""

    def __init__(self) -> None:
        # Made for each request of somebody who signed on: it must not look for endpoints here.
        self.UserModel = get_user_model()
        self.OIDC_RP_IDP_SIGN_KEY = None
        self.OIDC_RP_SIGN_ALGO = settings.SIGN_ON.oidc.algorithm

    def authenticate(
        self, request: HttpRequest | None, nonce: str = "", code_verifier: str = "", **_: Any
    ) -> Any:
        if request is None or not nonce:
            return None  # a login with a password
        claims, id_token = self._ask(request, nonce, code_verifier)
        user = admit_person(person_of(claims))
        user.id_token = id_token  # which the session keeps, for the logout
        return user

    def get_user(self, user_id: int) -> Any:
        user = super().get_user(user_id)  # without checking whether the account is active
        return user if user is not None and self.user_can_authenticate(user) else None

    def _ask(
        self, request: HttpRequest, nonce: str, code_verifier: str
    ) -> tuple[dict[str, Any], str]:
        """Exchange the code for claims, and check them. Return the ID token as well."""
        where = find_endpoints()
        self.OIDC_OP_TOKEN_ENDPOINT, self.OIDC_OP_JWKS_ENDPOINT = where.token, where.jwks
        self.OIDC_OP_USER_ENDPOINT = where.userinfo
        try:
            tokens = self.get_token(_exchange(request, code_verifier))
            identity = self.verify_token(tokens["id_token"], nonce=nonce)
            if "exp" not in identity:
                raise BadAnswer("the ID token never expires")
            more = identity
            if where.userinfo:
                more = self.get_userinfo(tokens["access_token"], "", "")
            if more["sub"] != identity["sub"]:
                raise BadAnswer("the userinfo is that of somebody else")
        except requests.RequestException as error:
            raise _classify(error) from error
        except MALFORMED as error:
            raise BadAnswer(repr(error)) from error
        return {**identity, **more}, tokens["id_token"]

    def _verify_jws(self, payload: str, key: Any) -> Any:
        return jwt.decode(
            payload,
            key,
            algorithms=[self.OIDC_RP_SIGN_ALGO],
            audience=settings.SIGN_ON.oidc.client_id,
            issuer=settings.SIGN_ON.oidc.issuer,
            leeway=CLOCK_SKEW_S,
            options={"require": ["iss", "aud", "sub"]},
        )


def _exchange(request: HttpRequest, code_verifier: str) -> dict[str, str]:
    return {
        "client_id": settings.SIGN_ON.oidc.client_id,
        "client_secret": settings.SIGN_ON.oidc.client_secret,
        "grant_type": "authorization_code",
        "code": request.GET["code"],
        "redirect_uri": request.build_absolute_uri(reverse(settings.SIGN_ON.oidc.callback)),
        "code_verifier": code_verifier,
    }


def _classify(error: requests.RequestException) -> Exception:
    """A provider that answers 4xx is up: it refused what the browser sent."""
    status = error.response.status_code if error.response is not None else 0
    return (BadAnswer if 400 <= status < 500 else ProviderDown)(repr(error))


def person_of(claims: Mapping[str, Any]) -> Person:
    """Return the person that claims describe. Raises SignOnRefused and BadAnswer."""
    name = settings.SIGN_ON.oidc.username_claim
    if not (username := plain_text(claims.get(name))):
        raise SignOnRefused(UNNAMED.format(claim=name))
    subject = plain_text(claims["sub"])
    if not 0 < len(subject) <= SUBJECT_LENGTH:
        raise BadAnswer("the subject is too long")
    return Person(
        provider=settings.SIGN_ON.oidc.issuer,
        subject=subject,
        username=username,
        groups=read_groups(claims, settings.SIGN_ON.oidc.groups_claim),
        email=""
        if claims.get("email_verified") in (False, "false")
        else plain_text(claims.get("email")),
        first_name=plain_text(claims.get("given_name")),
        last_name=plain_text(claims.get("family_name")),
    )


def read_groups(claims: Mapping[str, Any], name: str) -> set[str]:
    """Return the values of a claim. A dot reaches into an object, as in realm_access.roles."""
    found: Any = claims.get(name)
    if found is None and "." in name:
        found = claims
        for part in name.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    values = [found] if isinstance(found, str) else found
    return {each for each in values if isinstance(each, str)} if isinstance(values, list) else set()
