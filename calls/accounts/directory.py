"""The backend of LDAP: from a username and a password to an account.

The protocol is django-auth-ldap's: it looks for the person, and binds with the password.
``sign_on`` decides who gets an account and which groups, as for every sign-on.
"""

from __future__ import annotations

import logging
import socket
import ssl
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import ldap
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import BaseBackend
from django.dispatch import receiver
from django.http import HttpRequest
from django_auth_ldap.backend import LDAPBackend, ldap_error
from django_auth_ldap.config import (
    LDAPSearch,
    MemberDNGroupType,
    NestedMemberDNGroupType,
    PosixGroupType,
)

from callcenter.configuration.directory import Directory
from calls.accounts.local import is_local_name
from calls.accounts.sign_on import (
    DirectoryDown,
    Person,
    SignOnRefused,
    admit_person,
    plain_text,
)

log = logging.getLogger("calls.logins")
ID_LENGTH = 255
LDAPS_PORT = 636
# libldap's message about a certificate that it does not trust.
UNTOLD = "(unknown error code)"
PERHAPS = "perhaps its certificate is not trusted, see LDAP_CA_FILE"
NO_ATTRIBUTES = "1.1"  # RFC 4511: what to ask for if only the entry counts
EMAIL, FIRST_NAME, LAST_NAME, GROUP_NAME = "mail", "givenName", "sn", "cn"
# A person may have the attributes of a group, such as gidNumber. Only these are groups.
GROUPS = {
    "member": "(|(objectClass=groupOfNames)(objectClass=group))",
    "uniqueMember": "(objectClass=groupOfUniqueNames)",
    "memberUid": "(objectClass=posixGroup)",
}
# How directories refuse a password, or an account that is disabled or has no password.
REFUSALS = (ldap.INVALID_CREDENTIALS, ldap.INAPPROPRIATE_AUTH, ldap.UNWILLING_TO_PERFORM)
UNNAMED = "The directory does not show this site your {attribute}. Tell your administrator."


class DirectoryBackend(LDAPBackend, BaseBackend):  # type: ignore[misc]
    """Raises DirectoryDown and SignOnRefused. The forms that ask for a password catch them."""

    @property
    def default_settings(self) -> dict[str, Any]:
        """The settings of the library, which it would otherwise take from names of its own."""
        return _library_settings(settings.SIGN_ON.directory)

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **_: Any,
    ) -> Any:
        # The people who run the directory must not see a password of this site.
        if not username or is_local_name(username):
            return None
        return super().authenticate(request, username=username, password=password)

    def authenticate_ldap_user(self, ldap_user: Any, password: str) -> Any:
        try:
            return super().authenticate_ldap_user(ldap_user, password)
        finally:
            _hang_up(ldap_user)

    def get_or_build_user(self, username: str, ldap_user: Any) -> tuple[Any, bool]:
        """Called when the password was right."""
        return admit_person(person_of(ldap_user, settings.SIGN_ON.directory)), False

    def get_user(self, user_id: int) -> Any:
        return get_user_model().objects.filter(pk=user_id, is_active=True).first()


def find_problem() -> str:
    """Return why the directory cannot be searched for people and groups, or nothing."""
    directory = settings.SIGN_ON.directory
    try:
        connection = ldap.initialize(find_servers(directory))
        for option, value in _connection_options(directory).items():
            connection.set_option(option, value)
        if directory.start_tls:
            connection.start_tls_s()
        connection.simple_bind_s(directory.bind_dn, directory.bind_password)
        for base in (directory.user_base, directory.group_base):
            connection.search_s(base, ldap.SCOPE_BASE, attrlist=[NO_ATTRIBUTES])
        connection.unbind_s()
    except ldap.LDAPError as error:
        return _describe(error)
    return ""


def find_servers(directory: Directory) -> str:
    """Return the addresses of LDAP_URL, without servers that take connections and then hang.

    Debian's libldap uses GnuTLS, and waits for a TLS handshake without end, whatever its timeouts
    are. So a handshake is tried first. It sends nothing, and libldap checks the certificate.
    """
    found = [each for each in directory.url.split() if not _hangs(each, directory.timeout)]
    if not found:
        raise ldap.TIMEOUT({"desc": "No TLS handshake", "info": directory.url})
    return " ".join(found)


def _hangs(address: str, timeout_s: float) -> bool:
    parts = urlsplit(address)
    if parts.scheme != "ldaps":
        return False
    where = (parts.hostname or "", parts.port or LDAPS_PORT)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection(where, timeout_s) as connection,
            context.wrap_socket(connection),
        ):
            return False
    except TimeoutError:
        return True
    except OSError:
        return False  # libldap says why


def person_of(entry: Any, directory: Directory) -> Person:
    """Return the person that an entry describes. Raises SignOnRefused and DirectoryDown."""
    username = _first(entry, directory.username_attribute)
    subject = _identifier(entry, directory.id_attribute)
    for value, name in (
        (username, directory.username_attribute),
        (subject, directory.id_attribute),
    ):
        if not value:
            log.error("the directory shows no %s of %r", name, entry.dn)
            raise SignOnRefused(UNNAMED.format(attribute=name))
    return Person(
        provider=f"ldap:{directory.user_base.lower()}",
        subject=subject,
        username=username,
        groups={name for name in entry.group_names if name},
        email=_first(entry, EMAIL),
        first_name=_first(entry, FIRST_NAME),
        last_name=_first(entry, LAST_NAME),
    )


def _first(entry: Any, name: str) -> str:
    return plain_text(next(iter(entry.attrs.get(name, [])), ""))


def _identifier(entry: Any, name: str) -> str:
    """Return the identifier that never changes. That of Active Directory is bytes, shown as hex."""
    value = next(iter(entry.attrs.get(name, [])), "")
    raw: bytes = value.encode() if isinstance(value, str) else value
    text = raw.decode() if raw.isascii() and raw.decode().isprintable() else raw.hex()
    return text if len(text) <= ID_LENGTH else ""


def _library_settings(directory: Directory) -> dict[str, Any]:
    # By these two, the library finds the groups of somebody with memberUid.
    of_groups = ["uid", "gidNumber"]
    attributes = [
        directory.username_attribute, directory.id_attribute, EMAIL, FIRST_NAME, LAST_NAME,
        *of_groups,
    ]  # fmt: skip
    return {
        "SERVER_URI": lambda _: find_servers(directory),
        "START_TLS": directory.start_tls,
        "CONNECTION_OPTIONS": _connection_options(directory),
        "BIND_DN": directory.bind_dn,
        "BIND_PASSWORD": directory.bind_password,
        "USER_SEARCH": LDAPSearch(
            directory.user_base, ldap.SCOPE_SUBTREE, _filter_of_people(directory), attributes
        ),
        "GROUP_SEARCH": LDAPSearch(
            directory.group_base,
            ldap.SCOPE_SUBTREE,
            GROUPS[directory.member_attribute],
            [GROUP_NAME],
        ),
        "GROUP_TYPE": _group_type(directory),
        "ALWAYS_UPDATE_USER": False,  # admit_person does that
    }


def _filter_of_people(directory: Directory) -> str:
    """Return a filter in which the library puts the name that was typed, with all escapes."""
    own = directory.user_filter.replace("%", "%%")
    return f"(&({directory.username_attribute}=%(user)s){own})"


def _group_type(directory: Directory) -> Any:
    if directory.member_attribute == "memberUid":
        return PosixGroupType(name_attr=GROUP_NAME)
    kind = NestedMemberDNGroupType if directory.nested_groups else MemberDNGroupType
    return kind(directory.member_attribute, name_attr=GROUP_NAME)


def _connection_options(directory: Directory) -> dict[int, Any]:
    options = {
        ldap.OPT_NETWORK_TIMEOUT: directory.timeout,
        ldap.OPT_TIMEOUT: directory.timeout,
        ldap.OPT_REFERRALS: 0,  # Active Directory would send us to other servers, without a login
        ldap.OPT_X_TLS_REQUIRE_CERT: ldap.OPT_X_TLS_DEMAND,
    }
    if directory.ca_file:
        options[ldap.OPT_X_TLS_CACERTFILE] = directory.ca_file
    return options | {ldap.OPT_X_TLS_NEWCTX: 0}  # the last one: from here on, those above count


@receiver(ldap_error, sender=DirectoryBackend, dispatch_uid="directory is down")
def _give_up(context: str, exception: ldap.LDAPError, **_: Any) -> None:
    """Keep an outage or a wrong setting from looking like a wrong password."""
    if context != "authenticate" or not isinstance(exception, REFUSALS):
        raise DirectoryDown(_describe(exception)) from exception


def _describe(error: ldap.LDAPError) -> str:
    """Return what is known of an error, which comes as a dictionary."""
    told = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    info = told.get("info", "").replace(UNTOLD, PERHAPS)
    parts = [type(error).__name__, told.get("desc", ""), info]
    return ": ".join(part for part in parts if part)


def _hang_up(ldap_user: Any) -> None:
    """Close the connection now, not when the account is garbage collected."""
    connection = ldap_user._connection  # noqa: SLF001 (the library keeps it, and never closes it)
    if connection is not None:
        with suppress(ldap.LDAPError):
            connection.unbind_s()
