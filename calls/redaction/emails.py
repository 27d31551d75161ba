"""Finding e-mail addresses, including spoken ones that a recogniser has garbled."""

from __future__ import annotations

import re

_SURE = (
    r"(?:com|org|net|edu|gov|info|io|co\s*(?:\.|\bdot\b)\s*uk|uk|ie|de|fr|es|nl|ch|eu|pt|pl|dk|fi|ca|"
    r"au|nz|biz)"
)
# These are also words: "we were at home. It was late".
_WORDS_TOO = r"(?:it|be|at|se|no|us|in|me)"
_PROVIDERS = r"(?:g ?mail|google ?mail|yahoo|hotmail|outlook|icloud|aol|proton ?mail|live|msn|gmx)"
# Each address contains one of these.
_IN_PROVIDERS = ("mail", "yahoo", "outlook", "icloud", "aol", "live", "msn", "gmx")
_WRITTEN = re.compile(r"([\w.+'-]{1,64})\s?@\s?[\w-]{1,63}(?:\s?\.\s?[\w-]{1,63})*")
# Chinese or Thai has no space between an address and the words beside it.
_FOREIGN_BEFORE = re.compile(r".*[^\x00-\x7f](?=[\x00-\x7f]+$)")
_FOREIGN_AFTER = re.compile(r"(?<=[\x00-\x7f])[^\x00-\x7f]+$")
_DOT = r"(?:\s*\.\s*|\s+dot\s+)"
_TOP = rf"(?:{_DOT}{_SURE}|(?:\.|\s+dot\s+){_WORDS_TOO})\b"
# "example dot com", "example. Com", "gmail.com", "MariaDotlopazatgmail.com"
_DOMAIN = re.compile(
    rf"(?<![\w@-])[\w-]{{1,63}}(?:(?!{_TOP}){_DOT}[\w-]{{1,63}})?(?:\.[\w-]{{1,63}}){{0,3}}?{_TOP}"
    r"(?!\.\w)",
    re.IGNORECASE,
)
# Without one there is no domain. This rules out nearly every sentence quickly.
_ANY_TOP = re.compile(rf"(?:\.|\bdot\b)\s*(?:{_SURE}|{_WORDS_TOO})\b", re.IGNORECASE)
# "at Web.D": not a real top-level domain, but no sentence starts without a space.
_GARBLED = re.compile(r"(?:@|\bat\s)\s?()([\w-]{1,63}\.[\w-]{1,63})", re.IGNORECASE)
_PROVIDER_ALONE = re.compile(rf"\b(?:at|@)\s+{_PROVIDERS}\b", re.IGNORECASE)
_PROVIDER = re.compile(_PROVIDERS, re.IGNORECASE)
_GLUED = re.compile(rf"[\w.-]{{0,64}}\w(?:at|@){_PROVIDERS}", re.IGNORECASE)
_GLUED_AT = re.compile(r"\w(?:at|@)", re.IGNORECASE)
_AT = frozenset({"at", "@", "add", "ad", "et", "that"})
_LEAD_IN_WORDS = (
    "is it's its that's was yes yeah sure okay ok email e-mail mail address use uh um so my me "
    "please on the to with or and i'm"
)
_LEAD_IN = frozenset(_LEAD_IN_WORDS.split())
# "jSmith40 to ad outlet.com": a recogniser may put such words before the at sign.
_NOISE = frozenset({"to", "a", "the"})
_LINKS = frozenset({"dot", "underscore", "dash", "hyphen", "minus", "plus", "."})
_PART = re.compile(r"[\w'\u2019+-]+|[.@]")
_MAX_LOCAL = 10
# Characters to search before a domain. With the limits above, this keeps the time linear.
_REACH = 200


def find_emails(text: str, *, expected: bool) -> list[tuple[int, int]]:
    """Return start and end of each address. ``expected``: one was asked for or named."""
    folded = text.casefold()
    names_provider = any(name in folded for name in _IN_PROVIDERS)
    found = [_without_words(match) for match in _WRITTEN.finditer(text)] if "@" in text else []
    found += [match.span() for match in _GLUED.finditer(text)] if names_provider else []
    for match in _DOMAIN.finditer(text) if _ANY_TOP.search(text) else ():
        begin = _begin_of(text, match.start(), match[0], expected=expected)
        if begin is not None:
            found.append((begin, match.end()))
    for match in _GARBLED.finditer(text) if expected else ():
        begin = _begin_of(text, match.start(1), match[2], expected=True)
        found.append((match.start() if begin is None else begin, match.end()))
    for match in _PROVIDER_ALONE.finditer(text) if names_provider else ():
        begin = _begin_of(text, match.end(), "", expected=True)
        found.append((match.start() if begin is None else begin, match.end()))
    return found


def _without_words(match: re.Match[str]) -> tuple[int, int]:
    """Return start and end of a written address without the words of another script beside it."""
    before = _FOREIGN_BEFORE.match(match[1])
    after = _FOREIGN_AFTER.search(match[0])
    return (
        match.start() + (before.end() if before else 0),
        match.start() + after.start() if after else match.end(),
    )


def _begin_of(text: str, place: int, domain: str, *, expected: bool) -> int | None:
    """Return where the address with this domain starts, or None if it is just a web site."""
    parts = [
        match
        for match in _PART.finditer(text, max(0, place - _REACH), place)
        if match.end() <= place
    ]
    if not domain:
        parts.pop()
    before = [part[0].lower().replace("\u2019", "'") for part in parts]
    at_sign = bool(before) and before[-1] in _AT
    public = _PROVIDER.search(domain) is not None
    if before[-2:] == ["www", "."]:
        return None
    if not at_sign and not expected:
        return place if public and _GLUED_AT.search(domain) else None
    if not at_sign:
        # The at sign was lost, or is further away: "info at big company dot org".
        begin = _local_begin([*before, "@"])
        return place if begin is None else parts[begin].start()
    begin = _local_begin(before)
    if begin is None:
        return parts[-1].start() if expected or public else None
    linked = any(word in _LINKS or re.search(r"\d|_", word) for word in before[begin:-1])
    return parts[begin].start() if expected or public or linked else None


def _local_begin(before: list[str]) -> int | None:
    """Return the index of the first word of the part before the at sign, the last of ``before``."""
    place = len(before) - 1
    while place > 1 and before[place - 1] in _NOISE:
        place -= 1
    first = None
    words = 0
    while place > 0 and words < _MAX_LOCAL:
        place -= 1
        # Spelling: one letter at a time.
        words += len(before[place]) > 1
        if before[place] in _LEAD_IN:
            break
        if before[place] == "." and place + 1 == first and not _joins_names(before, place):
            break
        first = place
    return first


def _joins_names(before: list[str], place: int) -> bool:
    """Return whether a full stop joins two names ("david. miller at") or ends a sentence."""
    return place > 0 and before[place - 1] not in _LEAD_IN and before[place - 1] != "."
