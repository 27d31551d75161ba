"""Words that every language uses, and signs of e-mail addresses that have no other meaning."""

from __future__ import annotations

from calls.redaction.languages.vocabulary import Vocabulary, words

SHARED = Vocabulary(
    code="",
    name="any language",
    cues={
        "SECURITY_CODE": r"\bc\.?v\.?[vc]2?\b | \bpin\b | \botp\b | \bsms\b | \bm?tan\b",
        "NATIONAL_ID": r"codice\ fiscale",
        "IBAN": r"\bi\ ?ban\b",
        "PHONE": r"\btel\b | whats\ ?app | \bmobil\w*",
        "CARD": r"\bvisa\b | master\ ?card | \bamex\b | american\ express",
        "EMAIL": r"\be-?\ ?mail",
    },
    request=r"\?",
    plus=r"\bplus\W+",
    unit=r"""
        %|\u20ac|\u00a3|\$|euros?\b|dollars?\b|(?:eur|usd|gbp|chf)\b|[kcm]m\b|kg\b|kilo\w*|franken\b|
        kwh?\b|mah\b|[kmg]?hz\b|[gmk]b\b|[mg]bps|[mbt]illion|bytes?\b|(?:giga|mega|kilo)bytes?
    """,
    fillers=words("uh um er erm ah hm"),
    letters=frozenset(),
    signs={
        r"\.{2,}": "\u2026",  # a pause
        r"[\[({<]\ ?(?:at|@|arroba|arobase)\ ?[\])}>]": "@",
        r"[\[({<]\ ?(?:dot|punkt|point|punto|\.)\ ?[\])}>]": " dot ",
        r"\b(?:punkt|punto|ponto|kropka|point)\b(?=\W+(?:com|org|net|eu|nl|pl|pt|fr)\b)": " dot ",
        r"\bpunkt\b(?=\W+de\b)": " dot ",
        r"\b(?:arroba|arr?obase?|klammeraffe|chiocciol(?:in)?a|apenstaartje|zavinac|malpa)\b": "@",
    },
)
