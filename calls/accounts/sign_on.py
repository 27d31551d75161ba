"""Admits people from a sign-on service: finds or creates their account, and maps their groups.

An account belongs to one person of one service, whatever that person is called there later.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from calls.accounts.login_log import log
from calls.accounts.sessions import end_sessions
from calls.models import SignOnIdentity

NO_GROUP = (
    "None of your groups may use this site. Ask your administrator for one of the groups that may."
)
INACTIVE = "Your account on this site is deactivated."
TAKEN = (
    "The username {name} belongs to an account that logs in with a password here. Ask an "
    "administrator of this site to link it to single sign-on."
)
UNFIT = "The username {name} cannot be used here: letters, digits and @ . + - _ only, at most 150."


class SignOnRefused(Exception):
    """This person is refused. The message is for that person."""


class DirectoryDown(Exception):
    """The directory does not answer, or refuses this site. The message is written for the log."""


@dataclass(frozen=True)
class Person:
    """What a service says about somebody. ``subject`` never changes; the others may."""

    provider: str
    subject: str
    username: str
    groups: Collection[str] = ()  # as they are called there
    email: str = ""
    first_name: str = ""
    last_name: str = ""


def plain_text(value: Any) -> str:
    """Return a value from the service as text that a database can store."""
    return value.replace("\0", "").strip() if isinstance(value, str) else ""


def admit_person(person: Person) -> Any:
    """Return the account of this person, with updated groups and details. Raises SignOnRefused.

    Somebody without any mapped group loses those of the last time, and is logged out.
    """
    try:
        user, groups = _renew(person)
    except IntegrityError:  # another login of this person has just made the account
        user, groups = _renew(person)
    if not groups:
        raise SignOnRefused(NO_GROUP)
    if not user.is_active:
        raise SignOnRefused(INACTIVE)
    return user


@transaction.atomic
def _renew(person: Person) -> tuple[Any, list[Group]]:
    groups = _mapped_groups(person)
    known = _find_account(person)
    if known is None and not groups:
        return None, groups
    user = known or _link_account(person)
    _set_groups(user, groups)
    if groups:
        _set_details(user, person)
    else:
        end_sessions(user)
    return user, groups


def _mapped_groups(person: Person) -> list[Group]:
    """Return the groups here that the groups there map to."""
    names = {name for group in person.groups for name in settings.SIGN_ON.groups.get(group, ())}
    found = list(Group.objects.filter(name__in=names))
    if missing := names - {group.name for group in found}:
        log.error("SSO_GROUPS names groups that this site lacks: %s", ", ".join(sorted(missing)))
    return found


def _find_account(person: Person) -> Any:
    own = SignOnIdentity.objects.filter(provider=person.provider, subject=person.subject)
    found = own.select_related("user").first()
    return found.user if found else None


def unknown_groups() -> list[str]:
    """Return the groups that SSO_GROUPS gives and this site lacks."""
    named = {name for names in settings.SIGN_ON.groups.values() for name in names}
    found = Group.objects.filter(name__in=named)
    return sorted(named - set(found.values_list("name", flat=True)))


def _link_account(person: Person) -> Any:
    """Link the account of this name, or a new one, to this person."""
    users = get_user_model().objects
    named = list(users.select_for_update().filter(username__iexact=person.username)[:2])
    if known := _find_account(person):
        return known  # another login of this person has made it since
    if named and not (len(named) == 1 and _is_free(named[0])):
        raise SignOnRefused(TAKEN.format(name=person.username))
    user = named[0] if named else users.create_user(_checked(person.username))
    SignOnIdentity.objects.create(user=user, provider=person.provider, subject=person.subject)
    log.info("account %r is now linked to %r", user.get_username(), person.provider)
    return user


def _is_free(user: Any) -> bool:
    """Whether an account waits for its person: it has no password, and nobody is linked to it.

    Never a superuser's: whoever chooses usernames at the service could become superuser here.
    """
    is_linked = SignOnIdentity.objects.filter(user=user).exists()
    return not (user.is_superuser or user.has_usable_password() or is_linked)


def _checked(username: str) -> str:
    field: Any = get_user_model()._meta.get_field("username")  # noqa: SLF001 (public despite its name)
    try:
        name: str = field.clean(username, None)
    except ValidationError as error:
        raise SignOnRefused(UNFIT.format(name=username[:150])) from error
    return name


def _set_groups(user: Any, groups: list[Group]) -> None:
    """Add and remove mapped groups. All others are the site's own."""
    mapped = {name for names in settings.SIGN_ON.groups.values() for name in names}
    held = {group for group in user.groups.all() if group.name in mapped}
    user.groups.add(*set(groups) - held)
    user.groups.remove(*held - set(groups))
    if held != set(groups):
        named = ", ".join(sorted(group.name for group in groups)) or "none"
        log.info("mapped groups of %r: %s", user.get_username(), named)


def _set_details(user: Any, person: Person) -> None:
    """Copy the details that the service sends. The others stay."""
    said = {
        "email": person.email[:254],
        "first_name": person.first_name[:150],
        "last_name": person.last_name[:150],
    }
    new = {name: text for name, text in said.items() if text and text != getattr(user, name)}
    if new:
        get_user_model().objects.filter(pk=user.pk).update(**new)
        vars(user).update(new)
