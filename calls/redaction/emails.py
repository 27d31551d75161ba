"""Finding e-mail addresses, including spoken ones that a recogniser has garbled."""

from __future__ import annotations

import re
from collections.abc import Sequence

from calls.redaction.folding import rewrite
from calls.redaction.languages.rules import Rules

_SURE = (
    r"(?:com|org|net|edu|gov|info|io|co\s*(?:\.|\bdot\b)\s*uk|uk|ie|de|fr|es|nl|ch|eu|pt|pl|dk|fi|ca|"
    r"au|nz|biz)"
)
# These are also words: "we were at home. It was late".
_WORDS_TOO = r"(?:it|be|at|se|no|us|in|me)"
PROVIDERS = r"(?:g ?mail|google ?mail|yahoo|hotmail|outlook|icloud|aol|proton ?mail|live|msn|gmx)"
# Each address contains one of these.
_IN_PROVIDERS = ("mail", "yahoo", "outlook", "icloud", "aol", "live", "msn", "gmx")
# Chinese and Thai have no space between an address and the words next to it.
_FOREIGN_BEFORE = re.compile(r".*[^\x00-\x7f](?=[\x00-\x7f]+$)")
_FOREIGN_AFTER = re.compile(r"(?<=[\x00-\x7f])[^\x00-\x7f]+$")
_SPOKEN_DOT = r"[\s,\u2026]{1,4}dot[\s,\u2026]{1,4}"  # people pause before and after it
_WRITTEN = re.compile(
    rf"([\w.+'-]{{1,64}})\s?@\s?[\w-]{{1,63}}(?:\s+dash\s+[\w-]{{1,63}})?"
    rf"(?:\.[\w-]{{1,63}}|\s?\.\s?{_SURE}\b|{_SPOKEN_DOT}[\w-]{{1,63}})*",
    re.IGNORECASE,
)
_DOT = rf"(?:\s*\.\s*|{_SPOKEN_DOT})"
_TOP = rf"(?:{_DOT}{_SURE}|(?:\.|{_SPOKEN_DOT}){_WORDS_TOO})\b"
# "example dot com", "example. Com", "gmail.com", "MariaDotlopazatgmail.com"
_DOMAIN = re.compile(
    rf"(?<![\w@-])[\w-]{{1,63}}(?:\s+dash\s+[\w-]{{1,63}})?(?:(?!{_TOP}){_DOT}[\w-]{{1,63}})?(?:\.[\w-]{{1,63}}){{0,3}}?{_TOP}"
    r"(?!\.\w)",
    re.IGNORECASE,
)
# Without one there is no domain. This rules out nearly every sentence quickly.
_ANY_TOP = re.compile(rf"(?:\.|\bdot\b)[\s,\u2026]{{0,4}}(?:{_SURE}|{_WORDS_TOO})\b", re.IGNORECASE)
# "at Web.D": not a real top-level domain, but no sentence starts without a space.
_GARBLED = re.compile(r"(?:@|\bat\s)\s?()([\w-]{1,63}\.[\w-]{1,63})", re.IGNORECASE)
_PROVIDER_ALONE = re.compile(rf"(?:\bat\s+|@\s*){PROVIDERS}\b", re.IGNORECASE)
_PROVIDER = re.compile(PROVIDERS, re.IGNORECASE)
_GLUED = re.compile(rf"[\w.-]{{0,64}}\w(?:at|@){PROVIDERS}", re.IGNORECASE)
_GLUED_AT = re.compile(r"\w(?:at|@)", re.IGNORECASE)
# "jSmith40 to ad outlet.com": a recogniser may put such words before the at sign.
_NOISE = frozenset({"to", "a", "the"})
_LINKS = frozenset({"dot", "underscore", "dash", "hyphen", "minus", "plus", "."})
_PART = re.compile(r"[\w'+-]+|[.@]")
# A name after one of these, and before "at" and a domain, is that of a person.
_BEFORE_NAME = frozenset(
    {"at", "is", "to", "it's", "that's", "address", "e-mail", "email", "reach", "contact", "write"}
)
_PHRASE_END = re.compile(r"\s*(?:[.,;!?]|$)")
_NOT_A_PERSON = frozenset({"www", "mail", "m", "login", "webmail", "accounts", "support", "help"})
_LABELS_OF_GARBLED = 4
_MAX_LOCAL = 10
# Characters to search before a domain. With the limits above, this keeps the time linear.
_REACH = 200


def find_emails(text: str, rules: Rules, *, expected: bool) -> list[tuple[int, int]]:
    """Return start and end of each address. ``expected``: one was asked for or named."""
    plain = rewrite(text, rules.signs)
    return [plain.original(*span) for span in _find(plain.text, rules, expected=expected)]


def _find(text: str, rules: Rules, *, expected: bool) -> list[tuple[int, int]]:
    folded = text.casefold()
    names_provider = any(name in folded for name in _IN_PROVIDERS)
    found = [_without_words(match) for match in _WRITTEN.finditer(text)] if "@" in text else []
    found += [match.span() for match in _GLUED.finditer(text)] if names_provider else []
    for match in _DOMAIN.finditer(text) if _ANY_TOP.search(text) else ():
        begin = _begin_of(text, match, rules, expected=expected)
        if begin is not None:
            found.append((begin, match.end()))
    for match in _GARBLED.finditer(text) if expected else ():
        begin = _begin_if_expected(_parts_before(text, match.start(1)), match.start(), rules)
        found.append((begin, match.end()))
    for match in _PROVIDER_ALONE.finditer(text) if names_provider else ():
        begin = _begin_if_expected(_parts_before(text, match.end())[:-1], match.start(), rules)
        found.append((begin, match.end()))
    return found


def _without_words(match: re.Match[str]) -> tuple[int, int]:
    """Return start and end of a written address without the words of another script beside it."""
    before = _FOREIGN_BEFORE.match(match[1])
    after = _FOREIGN_AFTER.search(match[0])
    return (
        match.start() + (before.end() if before else 0),
        match.start() + after.start() if after else match.end(),
    )


def _parts_before(text: str, place: int) -> list[re.Match[str]]:
    return [
        match
        for match in _PART.finditer(text, max(0, place - _REACH), place)
        if match.end() <= place
    ]


def _words_of(parts: Sequence[re.Match[str]]) -> list[str]:
    return [part[0].lower() for part in parts]


def _begin_of(text: str, domain: re.Match[str], rules: Rules, *, expected: bool) -> int | None:
    """Return where the address with this domain starts, or None if it is just a web site."""
    parts = _parts_before(text, domain.start())
    before = _words_of(parts)
    if before[-2:] == ["www", "."]:
        return None
    is_at = before[-1:] == ["@"] or (before[-1:] == ["at"] and not rules.unsure_at)
    if not is_at and _ends_with_word(domain[0], rules):
        return None
    if expected:
        return _begin_if_expected(parts, domain.start(), rules)
    if is_at or (before and before[-1] in rules.unsure_at):
        return _begin_unexpected(text, parts, domain, rules, is_at=is_at)
    return domain.start() if _lost_its_at(text, domain, before, rules) else None


def _ends_with_word(domain: str, rules: Rules) -> bool:
    """Return whether an apparent domain is just words: "el punto es", "a ce point de"."""
    words = domain.lower().split()
    return len(words) > 2 and words[-2] == "dot" and words[-1] in rules.not_a_domain


def _begin_if_expected(parts: Sequence[re.Match[str]], place: int, rules: Rules) -> int:
    before = _words_of(parts)
    if before and (before[-1] in rules.unsure_at or before[-1] in ("@", "at")):
        begin = _local_begin(before, rules)
        return parts[-1].start() if begin is None else parts[begin].start()
    # The at sign was lost, or is further away: "info at big company dot org".
    begin = _local_begin([*before, "@"], rules)
    return place if begin is None else parts[begin].start()


def _begin_unexpected(
    text: str, parts: Sequence[re.Match[str]], domain: re.Match[str], rules: Rules, *, is_at: bool
) -> int | None:
    """Tell "maria at example dot com" from "look at example dot com"."""
    before = _words_of(parts)
    begin = _local_begin(before, rules)
    public = _PROVIDER.search(domain[0]) is not None
    if begin is None:
        return parts[-1].start() if public or is_at else None
    if public or any(word in _LINKS or re.search(r"\d|_", word) for word in before[begin:-1]):
        return parts[begin].start()
    name = _last_name(before)
    if is_at or _is_name(text, before, name, domain, rules):
        return parts[name].start()
    return None


def _last_name(before: Sequence[str]) -> int:
    """Return the index of the word before the at sign, or of the first of letters spelled out."""
    place = len(before) - 2
    while place > 0 and len(before[place]) == 1 == len(before[place - 1]) and before[place] != ".":
        place -= 1
    return place


def _is_name(
    text: str, before: Sequence[str], name: int, domain: re.Match[str], rules: Rules
) -> bool:
    if (
        before[-1] != "at"
        or ". " in domain[0]
        or before[name] in rules.before_site
        or before[name] == "."
    ):
        return False
    if name and before[name - 1] != ".":
        return before[name - 1] in _BEFORE_NAME
    return _PHRASE_END.match(text, domain.end()) is not None


def _lost_its_at(text: str, domain: re.Match[str], before: Sequence[str], rules: Rules) -> bool:
    """Return whether a domain is an address that a recogniser wrote without the at sign."""
    if _PROVIDER.search(domain[0]) and _GLUED_AT.search(domain[0]):
        return True
    labels = domain[0].lower().replace(" ", "").split(".")
    if (
        labels[0] in _NOT_A_PERSON
        or _PROVIDER.fullmatch(labels[0])
        or not _PHRASE_END.match(text, domain.end())
    ):
        return False
    if any(_PROVIDER.fullmatch(label) for label in labels[1:]):
        return True
    is_answer = all(word in rules.answer or word in rules.email_lead_in for word in before)
    return is_answer and len(labels) >= _LABELS_OF_GARBLED


def _local_begin(before: Sequence[str], rules: Rules) -> int | None:
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
        if before[place] in rules.email_lead_in:
            break
        if before[place] == "." and place + 1 == first and not _joins_names(before, place, rules):
            break
        first = place
    return first


def _joins_names(before: Sequence[str], place: int, rules: Rules) -> bool:
    """Return whether a full stop joins two names ("david. miller at") or ends a sentence."""
    return place > 0 and before[place - 1] not in rules.email_lead_in and before[place - 1] != "."
