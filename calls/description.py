"""The described fields of a call: who calls whom, where, and how the audio is encoded.

The one list that everything else reads. To add a field, add a column to ``Call``, an entry here,
and the code that uses its value. Custom fields, which a site defines, are checked and stored here
as well; ``calls.services`` writes the events.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from calls.formats.media_types import MEDIA_PATTERN, parse_media
from calls.models import Call, CustomField, FieldValue
from calls.models.annotation import VALUE_LENGTH


@dataclass(frozen=True, kw_only=True)
class Described:
    """A described field. Its maximum length and its choices are those of its column.

    ``check`` raises ValueError, with a message for the sender, if a value is not valid.
    """

    name: str
    label: str  # on pages
    help_text: str = ""  # in the API's schema
    option: str = ""  # help of the commands' option; fields without one have no option
    check: Callable[[str], object] | None = None
    pattern: str = ""  # what ``check`` accepts, in the API's schema
    # Carriers and integrators use these names; the first one that is present wins.
    carrier_names: tuple[str, ...] = ()
    from_carrier: Callable[[str], str] = field(default=str)
    is_filter: bool = False  # of the list of calls
    is_searched: bool = False  # by the search box of the wallboard
    is_editable: bool = True  # in the admin
    in_webhooks: bool = True
    is_rare: bool = False  # most calls do not have it

    @property
    def max_length(self) -> int:
        return int(self._column.max_length)

    @property
    def choices(self) -> list[tuple[str, str]]:
        """Empty if any text is valid."""
        return list(self._column.choices or ())

    @property
    def _column(self) -> Any:
        return Call._meta.get_field(self.name)  # noqa: SLF001 (public in spite of its name)


_DIRECTIONS = {
    "inbound": (
        *("inbound", "incoming", "in", "ingress", "terminating", "terminated", "received"),
        "trunkingoriginating",  # Twilio's trunks: from the telephone network to this site
    ),
    "outbound": (
        *(
            "outbound",
            "outgoing",
            "out",
            "egress",
            "originating",
            "originated",
            "dialed",
            "dialled",
        ),
        *("placed", "dialout", "outdial", "clicktocall", "trunkingterminating"),
    ),
}
_DIRECTION_OF = {word: ours for ours, words in _DIRECTIONS.items() for word in words}


def read_direction(text: str) -> str:
    """Return a sender's direction in our words; empty if it is not known.

    Only the first word counts if the whole is not known: Twilio has outbound-api and outbound-dial.
    """
    words = re.findall(r"[a-z]+", text.lower())
    whole = _DIRECTION_OF.get("".join(words), "")
    return whole or (_DIRECTION_OF.get(words[0], "") if words else "")


_LANGUAGE = r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*"


def _check_language(text: str) -> None:
    if not re.fullmatch(_LANGUAGE, text):
        raise ValueError(f"language: {text!r} is not a BCP 47 code such as de or en-GB")


# In the order of columns, events and pages.
DESCRIBED = (
    Described(
        name="agent",
        label="Agent",
        option="calls of this agent",
        carrier_names=("agent", "agent_id", "agentid", "agent_name"),
        is_filter=True,
        is_searched=True,
    ),
    Described(
        name="caller",
        label="Caller",
        option="calls from this number",
        carrier_names=("caller", "from", "from_number", "fromnumber"),
        is_filter=True,
        is_searched=True,
    ),
    Described(
        name="callee",
        label="Callee",
        carrier_names=("callee", "to", "to_number", "tonumber"),
    ),
    Described(
        name="queue",
        label="Queue",
        option="calls of this queue",
        carrier_names=("queue", "queue_name"),
        is_filter=True,
        is_searched=True,
    ),
    Described(
        name="direction",
        label="Direction",
        option="inbound or outbound",
        carrier_names=("direction",),
        from_carrier=read_direction,
        is_filter=True,
    ),
    Described(
        name="media",
        label="Media",
        help_text="audio/x-mulaw;rate=8000, audio/l16;rate=16000, text/plain...",
        check=parse_media,
        pattern=MEDIA_PATTERN,
        is_editable=False,
        in_webhooks=False,
    ),
    Described(
        name="language",
        label="Language",
        help_text="A BCP 47 code such as de or en-GB. Empty: the site's AI_LANGUAGE.",
        check=_check_language,
        pattern=f"^{_LANGUAGE}$",
        in_webhooks=False,
    ),
    Described(
        name="external_id",
        label="External id",
        help_text=(
            "The sender's own id of the call, such as a SIP Call-ID. It is filled in if the id in "
            "the address cannot be a call id."
        ),
        option="the call with this external id",
        carrier_names=("external_id", "externalid", "sip_call_id", "sipcallid", "sip_callid"),
        is_filter=True,
        is_searched=True,
        is_rare=True,
    ),
)
NAMES = tuple(each.name for each in DESCRIBED)
CHECKS = {each.name: each.check for each in DESCRIBED if each.check}


def description_of(call: Call) -> dict[str, str]:
    """Return every described field of a call, by name."""
    return {name: getattr(call, name) for name in NAMES}


def labelled(call: Call) -> list[tuple[str, str]]:
    """Return the label and value of every described field, for pages.

    A field that most calls do not have is left out if it is empty.
    """
    found = [(each, getattr(call, each.name)) for each in DESCRIBED]
    return [(each.label, value) for each, value in found if value or not each.is_rare]


def check_names(description: Mapping[str, str]) -> None:
    """Raise TypeError unless these are exactly the described fields."""
    if description.keys() != set(NAMES):
        raise TypeError(f"A description has {', '.join(NAMES)}, not {', '.join(description)}.")


# --- Custom fields ---
LINK_RULE = "Must be an http:// or https:// address."


class FieldsRefused(Exception):
    """Values that no field takes. ``reasons`` has the reason for each name."""

    def __init__(self, reasons: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {reason}" for name, reason in reasons.items()))
        self.reasons = reasons


def read_fields(given: Mapping[str, Any]) -> dict[str, str]:
    """Return the values as they are stored; an empty one removes. Raises FieldsRefused."""
    known = {each.name: each for each in CustomField.objects.all()} if given else {}
    values, reasons = {}, {}
    for name, value in given.items():
        try:
            values[name] = _read(known.get(name), value)
        except ValueError as error:
            reasons[str(name)[:100]] = str(error)
    if reasons:
        raise FieldsRefused(reasons)
    return values


def pick_fields(said: Mapping[str, Any]) -> dict[str, str]:
    """Return the values of known fields among whatever a carrier says. Ignores all others."""
    found: dict[str, str] = {}
    # There are few fields, and PostgreSQL could not compare a name that has a NUL.
    for known in CustomField.objects.all() if said else ():
        if known.name not in said:
            continue
        try:
            found[known.name] = _read(known, said[known.name])
        except ValueError:
            continue
    return {name: value for name, value in found.items() if value}


def _read(custom: CustomField | None, value: Any) -> str:
    if custom is None:
        raise ValueError("There is no such field. Administrators define fields in the admin.")
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("Must be a string or a number.")  # noqa: TRY004 (a reason for the sender)
    text = str(value).strip()
    if len(text) > VALUE_LENGTH:
        raise ValueError(f"Has {len(text)} characters; the limit is {VALUE_LENGTH}.")
    if not text.isprintable():
        raise ValueError("Has characters that cannot be printed.")
    if text and custom.kind == CustomField.Kind.NUMBER:
        _check_number(text)
    if text and custom.kind == CustomField.Kind.LINK:
        _check_link(text)
    return text


def _check_number(text: str) -> None:
    try:
        is_finite = text.isascii() and Decimal(text).is_finite()
    except InvalidOperation:
        is_finite = False
    if not is_finite:
        raise ValueError("Must be a number, such as 12 or -3.5.")


def _check_link(text: str) -> None:
    try:
        parts = urlsplit(text)
        is_link = parts.scheme in ("http", "https") and bool(parts.hostname) and " " not in text
    except ValueError:
        is_link = False
    if not is_link:
        raise ValueError(LINK_RULE)


def store_fields(call: Call, values: Mapping[str, str], *, replace: bool = False) -> dict[str, str]:
    """Store values of a locked call. Returns those that changed; empty: removed.

    With ``replace``, fields that are not among the values are removed.
    """
    if not values and not replace:
        return {}
    present = {each.field_id: each for each in call.field_values.all()}
    wanted = {**dict.fromkeys(present, ""), **values} if replace else dict(values)
    changed = {
        name: value
        for name, value in wanted.items()
        if value != (present[name].value if name in present else "")
    }
    for name, value in changed.items():
        row = present.get(name) or FieldValue(call=call, field_id=name)
        row.value = value
        if value:
            row.save()
        else:
            row.delete()
    return changed


def labelled_fields(call: Call) -> list[FieldValue]:
    """Return the values of a call with their fields, for its page."""
    return list(call.field_values.select_related("field").order_by("field__id"))
