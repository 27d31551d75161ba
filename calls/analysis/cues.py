"""What the talk is about: which personal data a sentence names, and which a turn asks for."""

from __future__ import annotations

import re
from typing import Literal

Kind = Literal["CARD", "PHONE", "EMAIL", "IBAN", "NATIONAL_ID", "ACCOUNT", "SECURITY_CODE", "DATE"]

SENTENCE_END = re.compile(r"(?<=[.?!])\s+")
_REACH = 120
EXPIRY = re.compile(r"\bexpir\w*|\bvalid (?:un)?til|\b(?:valid|good) thr", re.IGNORECASE)

# In the order of precedence: "card security code" asks for the code.
_PATTERNS: dict[Kind, str] = {
    "SECURITY_CODE": r"""
        (?<!social\ )security\ (?:code|number) | \bc\.?v\.?[vc]2?\b
        | \bpins?\b(?!\ (?:point|down)) | pass\ ?(?:code|word)
        | (?:verification|one[- ]time|access|activation)\ (?:code|password)
        | (?:three|3)\ digits | code\ (?:that\ )?we\ (?:just\ )?sent
        | \b(?:send|sent|text|texted)\ (?:you\ )?an?\ code\b | code\ (?:to|on)\ your\ phone
    """,
    "NATIONAL_ID": r"""
        social\ security | \bs\.?s\.?n\b | \b(?:your|my)\ social\b | national\ insurance
        | national\ id | identity | passport | driv(?:er'?s?|ing)\ licen[cs]e
        | tax(?:payer)?\ (?:id|number|reference) | \bnhs\b | medicare
    """,
    "IBAN": r"\bi\ ?ban\b | bank(?:ing)?\ details",
    "DATE": r"""
        date\ of\ birth | birth\ ?da(?:y|te) | \bborn\b | \bd\.?o\.?b\b
        | \bexpir\w* | \bvalid\ (?:un)?til | \b(?:valid|good)\ thr
    """,
    "PHONE": r"""
        \b(?:tele)?phone\b | \bmobile\b | \bcell\b | \blandline\b | whats\ ?app
        | (?:contact|call[- ]?back)\ number | number\ .{0,20}\b(?:reach|call|ring|text)\b
        | (?:reach|call|ring|text)\ (?:me|you|us)\ (?:back\ )?(?:on|at)\b
    """,
    "CARD": r"""
        \bcards?\b | \bvisa\b | master\ ?card | \bamex\b | american\ express | \bdebit\b
        | long\ number | (?:16|sixteen)[- ]digit
    """,
    "ACCOUNT": r"""
        \baccounts?\b | sort\ code | routing | last\ (?:four|4)
        | (?:policy|member(?:ship)?|customer|client|contract)\ (?:number|id\b)
    """,
    "EMAIL": r"\be-?\ ?mail",
}
_CUES = {
    kind: re.compile(pattern, re.IGNORECASE | re.VERBOSE) for kind, pattern in _PATTERNS.items()
}
_BARE_NUMBER = re.compile(r"(?:(\w+)(?:['\u2019]s)? )?\b(?:number|digits)\b", re.IGNORECASE)
_HARMLESS_WORDS = (
    "order orders reference ticket tracking booking case flight room house model serial part gate "
    "line version batch invoice job seat platform bus train any large small wrong right"
)
_HARMLESS_NUMBERS = frozenset(_HARMLESS_WORDS.split())
_REQUEST = re.compile(
    r"""
    \? | \b(?:(?:may|can|could|shall)\ (?:i|we|you) | give | tell | read | confirm | provide
    | enter | repeat | verify | spell | need | what(?:['\u2019]s|\ is) | please | how\ about
    | go\ ahead | address\ (?:where|to\ which|for))\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
# "Lastly, your passport number." is a question as well.
_ELLIPTIC = re.compile(
    r"""
    (?:(?:and|then|lastly|finally|next|also|now|ok|okay|right|great|perfect|thank\ you|thanks
    |so|just)\W+)* (?:your|the|an?)\b
    (?!.*\b(?:is|are|was|were|be|been|will|has|have|had|can|does|did|ends|must)\b)
    """,
    re.IGNORECASE | re.VERBOSE,
)
# "Batch 2025 11 03", "your order number is 7731 0914".
_HARMLESS_CUE = re.compile(
    r"""
    \b(?:order|ticket|tracking|booking|case|flight|model|serial|part|batch|invoice|item|article
       |offer|quote)
    (?: \ (?:number|code|id|reference)\b | \W*$ )
    """,
    re.IGNORECASE | re.VERBOSE,
)


def asked_for(text: str) -> frozenset[Kind]:
    """Return what a turn asks the other party to say."""
    kinds: set[Kind] = set()
    for sentence in SENTENCE_END.split(text):
        if _REQUEST.search(sentence) or _ELLIPTIC.match(sentence):
            named = {kind for kind, pattern in _CUES.items() if pattern.search(sentence)}
            kinds |= named or _bare_number(sentence)
    return frozenset(kinds)


def _bare_number(sentence: str) -> set[Kind]:
    """Return ACCOUNT for "what is the number?", nothing for "what is your order number?"."""
    found = _BARE_NUMBER.search(sentence)
    harmless = found is None or (found[1] or "").lower() in _HARMLESS_NUMBERS
    return set() if harmless else {"ACCOUNT"}


def names(kind: Kind, text: str) -> bool:
    """Tell whether a text speaks of this kind of data."""
    return _CUES[kind].search(text) is not None


def last_words(text: str) -> str:
    """Return the last few words of a text that belong to its last sentence."""
    return " ".join(SENTENCE_END.split(text[-_REACH:])[-1].split()[-6:])


def named_last(text: str) -> Kind | None:
    """Return what kind of number the last few words of a text announce."""
    nearest = last_words(text)
    kinds = [
        (match.end(), kind)
        for kind, pattern in _CUES.items()
        if kind not in ("EMAIL", "DATE")
        for match in pattern.finditer(nearest)
    ]
    return max(kinds, key=lambda item: item[0])[1] if kinds else None


def names_harmless_last(text: str) -> bool:
    """Tell whether the last few words of a text announce a number that is nobody's secret."""
    return _HARMLESS_CUE.search(last_words(text)) is not None


def most_likely(asked: frozenset[Kind]) -> Kind | None:
    """Return the kind of number that is probably the answer to a question for all these."""
    return next((kind for kind in _CUES if kind in asked - {"EMAIL", "DATE"}), None)
