"""The action link: an address of the phone system by which people join or whisper into a call.

Knows only the template. The settings check it, so this module imports neither models nor settings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from string import Formatter
from urllib.parse import quote, urlsplit

FIELDS = ("call_id", "agent", "caller", "callee", "queue", "extension")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_RUNS_CODE = frozenset({"javascript", "data", "vbscript", "blob", "file", "about"})
_OF_THE_WEB = frozenset({"http", "https"})


def find_problem(template: str) -> str:
    """Return why a template cannot be used, as a sentence, or an empty string."""
    found = _SCHEME.match(template)
    if found is None:
        return "ACTION_LINK must begin with a scheme, such as https:, sip: or tel:."
    scheme = found[1].lower()
    if scheme in _RUNS_CODE:
        return f"ACTION_LINK must not use the scheme {scheme}:."
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        return f"ACTION_LINK cannot be read: {error}."
    for _, name, form, conversion in parts:
        if name is not None and (name not in FIELDS or form or conversion):
            return f"ACTION_LINK has the unknown field {{{name}}}; known are {', '.join(FIELDS)}."
    if scheme in _OF_THE_WEB and not _has_own_host(template):
        return "ACTION_LINK must name its host, without a field in it."
    return ""


def scheme_of(template: str) -> str:
    return template.partition(":")[0].lower()


def source_of(template: str) -> str:
    """Return what the page's security policy must allow, so that a form may lead there."""
    scheme = scheme_of(template)
    return f"{scheme}://{urlsplit(template).netloc}" if scheme in _OF_THE_WEB else f"{scheme}:"


def fill_in(template: str, values: Mapping[str, str]) -> str:
    """Return the address. Each value is encoded, so that it stays one part of the address."""
    encoded = {name: quote(values.get(name, ""), safe="") for name in FIELDS}
    return template.format(**encoded)


def _has_own_host(template: str) -> bool:
    try:
        host = urlsplit(template).netloc
    except ValueError:
        return False
    return bool(host) and not set(host) & set("{}")
