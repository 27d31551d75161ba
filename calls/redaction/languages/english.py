"""English."""

from __future__ import annotations

import re
from collections.abc import Sequence

from calls.redaction.languages.vocabulary import JOINTS, LETTERS, Vocabulary, words

UNITS = {
    "zero": "0", "nought": "0", "naught": "0", "nil": "0", "one": "1", "two": "2", "three": "3",
    "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9", "niner": "9",
}  # fmt: skip
TEENS = {
    "ten": "10", "eleven": "11", "twelve": "12", "thirteen": "13", "fourteen": "14",
    "fifteen": "15", "sixteen": "16", "seventeen": "17", "eighteen": "18", "nineteen": "19",
}  # fmt: skip
TENS = {
    "twenty": "2", "thirty": "3", "forty": "4", "fourty": "4", "fifty": "5", "sixty": "6",
    "seventy": "7", "eighty": "8", "ninety": "9",
}  # fmt: skip
_REPEATS = {"double": 1, "triple": 2, "treble": 2}
_ZERO_LETTERS = frozenset({"oh", "o"})
_NUMBER_WORDS = frozenset({*UNITS, *TEENS, *TENS, *_REPEATS})
_SAYING_DIGITS = _NUMBER_WORDS | _ZERO_LETTERS | {"hundred"}
_NEAR = 8  # words around an "oh"
_SKIPPED_BY_OH = _ZERO_LETTERS | JOINTS

# Records whose numbers are not personal. Supervisors look calls up by them.
_RECORDS = (
    "order|invoice|po|ticket|case|reference|ref|booking|tracking|parcel|claim|incident|complaint|"
    "job|quote|offer|batch|item|article|product|part|serial|sku|rma|model|version|build|firmware|error|"
    "flight|meter"
)
_OTHERS = "orders room house gate line seat platform bus train any large small wrong right"


def read_number(said: Sequence[str], place: int) -> tuple[int, str]:
    """Return the digits of one word: "forty" before "five" is a 4, "double" repeats the next."""
    return 1, _digits(said, place) if said[place] in _SAYING_DIGITS else ""


def _digits(said: Sequence[str], place: int) -> str:
    word, after = said[place], said[place + 1 : place + 3]
    if word in _REPEATS:
        return _unit([each for each in after if each != ","][:1]) * _REPEATS[word]
    if word in TENS:
        return TENS[word] + ("" if _unit_follows(after) else "0")
    if word == "hundred":
        before = [each for each in said[max(0, place - 2) : place] if each != ","]
        return "00" if _unit(before[-1:]) else ""
    if word in _ZERO_LETTERS:
        return "0" if _beside_number(said, place) else ""
    return UNITS.get(word) or TEENS.get(word, "")


def _unit(said: Sequence[str]) -> str:
    """Return the digit that the first of these words stands for, or an empty string."""
    if not said:
        return ""
    if said[0] in _ZERO_LETTERS:
        return "0"
    return said[0] if re.fullmatch(r"\d", said[0]) else UNITS.get(said[0], "")


def _unit_follows(after: Sequence[str]) -> bool:
    following = after[1:] if after[:1] == ["-"] else after[:1]
    return bool(following) and UNITS.get(following[0], "0") != "0"


def _beside_number(said: Sequence[str], place: int) -> bool:
    """Return whether an "oh" is a zero, as in "oh three" and "four, oh", and not a sigh."""
    nearest = said[max(0, place - _NEAR) : place], said[place + 1 : place + 1 + _NEAR]
    before = next((word for word in reversed(nearest[0]) if word not in _SKIPPED_BY_OH), "")
    after = next((word for word in nearest[1] if word not in _ZERO_LETTERS), "")
    # In Spanish and Italian, "1200 o 1500" are two numbers.
    longest = 99 if said[place] == "oh" else 1
    return any(_is_number(word, longest) for word in (before, after))


def _is_number(word: str, longest: int) -> bool:
    return (word[:1].isdigit() and len(word) <= longest) or word in _NUMBER_WORDS


ENGLISH = Vocabulary(
    code="en",
    name="English",
    read_number=read_number,
    cues={
        "SECURITY_CODE": r"""
            (?<!social\ )security\ (?:code|number) | \bc\.?v\.?[vc]2?\b
            | \bpins?\b(?!\ (?:point|down)) | pass\ ?(?:code|word)
            | (?:verification|one[- ]time|access|activation|log-?\ ?in)\ (?:code|password)
            | (?:three|3)\ digits | (?:four|4|six|6)[- ]digit\ code
            | code\ (?:that\ )?we\ (?:just\ )?sent
            | \b(?:sen[dt]|text(?:ed)?|get|got|received?)\ (?:you\ |me\ )?(?:an?|the)\ code\b
            | code\ (?:to|on|in|from)\ (?:your|my|the)\ (?:phone|text|message|app)
            | \b(?:sms|text(?:\ message)?)\ (?:code|says?|said|reads?)\b | \bsms\b
            | \b(?:the|my|your|that|this)\ code\b(?!\ of\b)
        """,
        "NATIONAL_ID": r"""
            social\ security | \bs\.?s\.?n\b | \b(?:your|my)\ social\b | national\ insurance
            | national\ id | identity | passport | driv(?:er'?s?|ing)\ licen[cs]e
            | tax(?:payer)?\ (?:id|number|reference) | \bnhs\b | medicare
            | \bpan\ (?:card|number)
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
            \bvin\b | chassis\ number | licen[cs]e\ plate
            | \baccounts?\b | sort\ code | routing | last\ (?:four|4)
            | (?:policy|member(?:ship)?|customer|client|contract)\ (?:number|id\b)
        """,
        "EMAIL": r"\be-?\ ?mail",
    },
    request=r"""
        \b(?:(?:may|can|could|shall)\ (?:i|we|you) | give | tell | read | confirm | provide
        | enter | repeat | verify | spell | need | what(?:'s|\ is) | please | how\ about
        | go\ ahead | address\ (?:where|to\ which|for)
        | sent\ (?:you\ )?an?\ code | code\ (?:to|on)\ your\ phone)\b
    """,
    asking=words(
        "may can could shall give tell read confirm provide enter repeat verify spell need what "
        "please how go address sent code"
    ),
    # "Lastly, your passport number." is a question too.
    elliptic=r"""
        (?:(?:and|then|lastly|finally|next|also|now|ok|okay|right|great|perfect|thank\ you|thanks
        |so|just)\W+)* (?:your|the|an?)\b
        (?!.*\b(?:is|are|was|were|be|been|will|has|have|had|can|does|did|ends|must)\b)
    """,
    bare_number=r"(?:(?P<of>\w+)(?:'s)?\ )?\b(?:number|digits)\b",
    record_number=rf"\b(?:{_RECORDS})\ (?:number|code|id|reference)\b",
    # "Batch 2025 11 03", "the ticket is 4471982", "your order number, I think, is 7731 0914", but
    # not "I have no order number, it is under 07700 900123".
    harmless_cues=(
        rf"""
        \b(?:{_RECORDS})s?\b
        (?: \W+(?:number|code|id|reference|reading|no|nr)\b
            (?:\W+(?!(?:my|under|on|at|from|with)\b)[^\W\d]+){{0,4}} \W*
          | (?P<subject>\ (?:is|was))? [^\w,]* ) $
        """,
    ),
    harmless_numbers=words(_RECORDS.replace("|", " "), _OTHERS),
    idioms=r"""
        \bin\ (?:(?:that|this|any|which)\ )?case\b | \bin\ order\b | \bfor\ (?:\w+\ )?reference\b
    """,
    answer=words(
        "yes yeah yep yup sure certainly absolutely of course ok okay right well so um uh er oh "
        "hold on let me see one moment just a sec it is it's its that is that's this would be "
        "should i think believe have got the my number order reference ticket case invoice booking "
        "tracking there you go here we are please thanks thank you gladly and was has number's"
    ),
    ending=r"\b(?:end(?:s|ing)?|finish(?:es|ing))\W+(?:in|with|on)\W+",
    dated=r"\b(?:in|since|from|until|till|of|year)\s",
    plus=r"\bplus\W+",
    unit=r"""
        percent|per\ cent|pounds?|quid|bucks|pence|p\b|cents?\b|francs?\b|rupees?|pesos?|thousand|
        hundred|dozen|seconds?|minutes?|hours?|days?|nights?|weeks?|months?|years?|times|people|
        persons|guests|customers|users|visitors|items|pieces|boxes|pages|lines|calls|orders|
        tickets|copies|points|shares|miles?|met(?:er|re)s?|feet|foot|inch(?:es)?|yards?|square|
        cubic|grams?|lbs?\b|ounces?|ton(?:ne)?s?|lit(?:er|re)s?|gallons?|gigs?|meg\w*|degrees|
        watts?|volts?|amps?\b|pixels?|calories|units?|a\.?m\b|p\.?m\b|o'clock|working|business
    """,
    months=words(
        "january february march april may june july august september october november december "
        "jan feb mar apr jun jul aug sep sept oct nov dec"
    ),
    ordinals=words(
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth "
        "thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth "
        "thirtieth st nd rd th"
    ),
    year_words=words("hundred thousand"),
    date_joints=words("of the and slash dash stroke"),
    expiry=r"\bexpir\w*|\bvalid\ (?:un)?til|\b(?:valid|good)\ thr",
    birth_after=r"\b(?:is|was)\ (?:my|his|her)\ (?:birthday|date\ of\ birth)|\bi\ was\ born",
    # 12-34-56
    looks_like_date=r"sort\ code",
    fillers=words("dash hyphen space slash stroke comma"),
    loose_fillers=words(
        "and then next for to too due dot point of the it's so double triple treble hundred"
    ),
    announcing=words(
        "account card code pin phone mobile expiry expires security sort routing number is was"
    ),
    letters=LETTERS - {"a", "i"},
    signs={
        r"\bat[- ](?:sign|symbol)\b": "@",
        r"\b(?:(?:a|the|and|then)\ ){0,3}dot\b": " dot ",
        r"\bhyphen\b": " dash ",
    },
    unsure_at=words("at add ad et that"),
    email_lead_in=words(
        "is it's its that's was yes yeah sure okay ok email e-mail mail address use uh um so my me "
        "please on the to with or and i'm"
    ),
    before_site=words(
        "look looking looked us you me it them this these that those there here see seen visit "
        "shop shopping buy bought order ordered ordering book booked available online found find "
        "register registered account accounts go going went website site page pages up in on work "
        "works working worked employed job read reviews is are was were be store live located "
        "information info details more prices chat everyone everybody people team guys friends "
        "happy great good fine nice free open busy cheap cheaper cheapest best better worst sale "
        "listed shown sold hosted based "
        "arrive arrived start started click login signed sign sold sells offered offer back"
    ),
)
