"""Cues: which personal data a sentence names, and which a turn asks for."""

from __future__ import annotations

import re

from calls.redaction.kinds import Kind

SENTENCE_END = re.compile(r"(?<=[.?!])\s+")
_REACH = 120
# Abbreviations before a number: their full stop does not end the sentence.
_ABBREVIATED = re.compile(r"\b(no|nr|ref|tel)\.\s*$", re.IGNORECASE)
EXPIRY = re.compile(r"\bexpir\w*|\bvalid (?:un)?til|\b(?:valid|good) thr", re.IGNORECASE)
# In order of precedence: "card security code" asks for the code.
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
        \b(?:tele)?phone\b | \btel\b | \bmobile\b | \bcell\b | \blandline\b | whats\ ?app
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
# Records whose numbers are not personal. Supervisors look calls up by them.
_RECORDS = (
    "order invoice po ticket case reference ref booking tracking parcel claim incident complaint "
    "job quote offer batch item article part serial sku rma model version build firmware error "
    "flight meter"
)
_OTHERS = "orders room house gate line seat platform bus train any large small wrong right"
_HARMLESS_NUMBERS = frozenset(f"{_RECORDS} {_OTHERS}".split())
_REQUEST = re.compile(
    r"""
    \? | \b(?:(?:may|can|could|shall)\ (?:i|we|you) | give | tell | read | confirm | provide
    | enter | repeat | verify | spell | need | what(?:['\u2019]s|\ is) | please | how\ about
    | go\ ahead | address\ (?:where|to\ which|for))\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
# A text without one of these words or a question mark asks for nothing.
_ASKING = "may can could shall give tell read confirm provide enter repeat verify spell need"
_REQUEST_WORDS = frozenset(f"{_ASKING} what please how go address".split())
_LETTERS = re.compile(r"[a-z]+")
# "Lastly, your passport number." is a question too.
_ELLIPTIC = re.compile(
    r"""
    (?:(?:and|then|lastly|finally|next|also|now|ok|okay|right|great|perfect|thank\ you|thanks
    |so|just)\W+)* (?:your|the|an?)\b
    (?!.*\b(?:is|are|was|were|be|been|will|has|have|had|can|does|did|ends|must)\b)
    """,
    re.IGNORECASE | re.VERBOSE,
)
# "Batch 2025 11 03", "the ticket is 4471982", "your order number, I think, is 7731 0914", but not
# "I have no order number, it is under 07700 900123".
_HARMLESS_CUE = re.compile(
    rf"""
    \b(?:{_RECORDS.replace(" ", "|")})s?\b
    (?: \W+(?:number|code|id|reference|reading|no|nr)\b
        (?:\W+(?!(?:my|under|on|at|from|with)\b)[^\W\d]+){{0,4}} \W*
      | (?P<subject>\ (?:is|was))? [^\w,]* ) $
    """,
    re.IGNORECASE | re.VERBOSE,
)
_RECORD_NUMBER = re.compile(
    rf"\b(?:{_RECORDS.replace(' ', '|')}) (?:number|code|id|reference)\b", re.IGNORECASE
)
_IDIOMS = re.compile(
    r"\bin (?:(?:that|this|any|which) )?case\b|\bin order\b|\bfor (?:\w+ )?reference\b",
    re.IGNORECASE,
)


def asked_for(text: str) -> frozenset[Kind]:
    """Return what a turn asks the other party to say."""
    kinds: set[Kind] = set()
    for sentence in SENTENCE_END.split(text):
        if _requests(sentence) or _ELLIPTIC.match(sentence):
            named = {kind for kind, pattern in _CUES.items() if pattern.search(sentence)}
            kinds |= named or _bare_number(sentence)
    return frozenset(kinds)


def asks_for_record(text: str) -> bool:
    """Return whether a turn asks only for the number of a record, such as an order or a ticket."""
    return _requests(text) and bool(_RECORD_NUMBER.search(text)) and not asked_for(text)


def _requests(text: str) -> bool:
    may_request = "?" in text or not _REQUEST_WORDS.isdisjoint(_LETTERS.findall(text.casefold()))
    return may_request and _REQUEST.search(text) is not None


def _bare_number(sentence: str) -> set[Kind]:
    """Return ACCOUNT for "what is the number?", nothing for "what is your order number?"."""
    found = _BARE_NUMBER.search(sentence)
    harmless = found is None or (found[1] or "").lower() in _HARMLESS_NUMBERS
    return set() if harmless else {"ACCOUNT"}


def names(kind: Kind, text: str) -> bool:
    """Return whether a text names this kind of data."""
    return _CUES[kind].search(text) is not None


def last_words(text: str) -> str:
    """Return the last few words of a text that belong to its last sentence."""
    text = _ABBREVIATED.sub(r"\1 ", text[-_REACH:])
    return " ".join(SENTENCE_END.split(text)[-1].split()[-6:])


def named_last(text: str) -> Kind | None:
    """Return what kind of personal number the last few words of a text announce."""
    nearest, place = last_words(text), _harmless_from(text)
    kinds = [
        (match.end(), kind)
        for kind, pattern in _CUES.items()
        if kind not in ("EMAIL", "DATE")
        for match in pattern.finditer(nearest)
        # "I was on the phone about ticket 4471982", but not "my tax reference 4471982".
        if place is None or match.end() > place
    ]
    return max(kinds, key=lambda item: item[0])[1] if kinds else None


def names_harmless_last(text: str) -> bool:
    """Return whether the last few words of a text announce a number that is not personal."""
    return named_last(text) is None and _harmless_from(text) is not None


def _harmless_from(text: str) -> int | None:
    """Return from where in the last few words a record's name marks a number as harmless.

    "The pin for the order is" announces a pin: there, the record's name counts only if no other
    cue does.
    """
    nearest = _IDIOMS.sub(lambda idiom: "x" * len(idiom[0]), last_words(text))
    found = _HARMLESS_CUE.search(nearest)
    if found is None:
        return None
    return -1 if found["subject"] else found.start()


def most_likely(asked: frozenset[Kind]) -> Kind | None:
    """Return the most likely kind of a number that answers a question for all these kinds."""
    return next((kind for kind in _CUES if kind in asked - {"EMAIL", "DATE"}), None)
