"""German."""

from __future__ import annotations

from collections.abc import Sequence

from calls.redaction.languages.vocabulary import LETTERS, NO_NUMBER, Vocabulary, words

_UNITS = ("null", "ein", "zwei", "drei", "vier", "funf", "sechs", "sieben", "acht", "neun")
_TEENS = (
    "zehn", "elf", "zwolf", "dreizehn", "vierzehn", "funfzehn", "sechzehn", "siebzehn", "achtzehn",
    "neunzehn",
)  # fmt: skip
_TENS = (
    "zwanzig", "dreissig", "vierzig", "funfzig", "sechzig", "siebzig", "achtzig", "neunzig",
)  # fmt: skip
_REPEATS = {"doppel": 1, "doppelt": 1, "zweimal": 1, "dreimal": 2, "viermal": 3}


def number_words() -> dict[str, int]:
    """Return the numbers from 0 to 99, with 1 as in compounds."""
    below = {word: value for value, word in enumerate([*_UNITS, *_TEENS])}
    for ten, word in enumerate(_TENS, 2):
        below[word] = 10 * ten
        below |= {f"{unit}und{word}": 10 * ten + n for n, unit in enumerate(_UNITS) if n}
    return below


_BELOW_100 = number_words()
_IRREGULAR = {"eins": 1, "zwo": 2}
# "ein" alone is an article.
_ALONE = {**_BELOW_100, **_IRREGULAR}
del _ALONE["ein"]
_DIGITS = {word: value for word, value in _ALONE.items() if value < 10}


def read_number(said: Sequence[str], place: int) -> tuple[int, str]:
    """Return the digits of a compound ("siebenundzwanzig"), also if it was written in pieces."""
    word = said[place]
    if word in _REPEATS:
        return _repeated(said, place)
    if word.startswith("doppel") and word[6:] in _DIGITS:
        return 1, 2 * str(_DIGITS[word[6:]])
    value = value_of(word)
    if value is None:
        return NO_NUMBER
    if said[place + 1 : place + 2] == ["und"] and 0 < value < 10:
        ten = _BELOW_100.get("".join(said[place + 2 : place + 3]), 0)
        if ten >= 20 and ten % 10 == 0:
            return 3, str(ten + value)
    return 1, str(value)


def _repeated(said: Sequence[str], place: int) -> tuple[int, str]:
    """Read "zweimal die sieben" and "doppelt null"."""
    skipped = 1 + (said[place + 1 : place + 2] in (["die"], ["-"]))
    word = "".join(said[place + skipped : place + skipped + 1])
    digit = word if word.isdigit() else str(_DIGITS.get(word, ""))
    count = _REPEATS[said[place]] + 1
    return (skipped + 1, count * digit) if len(digit) == 1 else NO_NUMBER


def value_of(word: str) -> int | None:
    """Return the value of one word from "null" to "neunundneunzigtausend..."."""
    word = word.replace("fuenf", "funf").replace("zwoelf", "zwolf")
    if word in _ALONE:
        return _ALONE[word]
    thousands, thousand, rest = word.rpartition("tausend")
    hundreds, hundred, last = rest.rpartition("hundert")
    if not (thousand or hundred):
        return None
    parts = [
        (_factor(thousands) if thousand else 0, 1000),
        (_factor(hundreds) if hundred else 0, 100),
        (_rest(last), 1),
    ]
    if any(value is None for value, _ in parts):
        return None
    return sum((value or 0) * scale for value, scale in parts)


def _factor(word: str) -> int | None:
    return 1 if not word else _BELOW_100.get(word)


def _rest(word: str) -> int | None:
    word = word.removeprefix("und") if word.startswith("und") else word
    return 0 if not word else _ALONE.get(word, 1 if word == "ein" else None)


def _ordinals() -> frozenset[str]:
    irregular = {1: "erst", 3: "dritt", 7: "siebt", 8: "acht"}
    stems = [
        irregular.get(value, word + ("t" if value < 20 else "st"))
        for word, value in _BELOW_100.items()
        if 1 <= value <= 31
    ]
    return frozenset(f"{stem}{ending}" for stem in stems for ending in ("e", "en", "er"))


_COUNTED = (
    "bestell|auftrags|rechnungs|ticket|vorgangs|fall|buchungs|reservierungs|sendungs|paket|"
    "schadens?|reklamations|beschwerde|referenz|angebots|artikel|serien|modell|fehler|flug|zahler|"
    "tracking|retouren|rucksende|lieferschein|gerate|versions|chargen"
)
_RECORDS = (
    "bestellung|auftrag|rechnung|ticket|vorgang|buchung|reservierung|sendung|paket|schaden|angebot|"
    "artikel|version|flug|referenz|charge|modell|fehler|retoure|lieferschein"
)

GERMAN = Vocabulary(
    code="de",
    name="German",
    read_number=read_number,
    cues={
        "SECURITY_CODE": r"""
            sicherheits(?:code|nummer) | \bpruf(?:ziffer|nummer|code|zahl)\w* | kartenpruf\w+
            | geheim(?:zahl|nummer|code) | \bpin\b | \bpin-?(?:code|nummer) | kennwort | passwort
            | (?:bestatigungs|verifizierungs|freischalt|aktivierungs|zugangs|einmal|sms)-?code
            | einmal-?(?:passwort|kennwort) | \b[mi]?-?tan\b | \bsms\b
            | code\b.{0,30}\b(?:geschickt|gesendet|bekommen|handy)
            | (?:drei|3|vier|4|sechs|6)-?stellig
            | \b(?:der|den|ihr|ihren|mein|meinen|einen)\ code\b
        """,
        "NATIONAL_ID": r"""
            ausweis\w* | reisepass\w* | \bpass-?(?:nummer|nr) | fuhrerschein\w*
            | steuer-?\ ?(?:id|nummer|identifikation)\w* | sozialversicherung\w*
            | rentenversicherung\w* | versicherten-?nummer
        """,
        "IBAN": r"\biban\b | bankverbindung | kontodaten",
        "DATE": r"""
            geburts(?:datum|tag)\w* | geboren | ablaufdatum | verfallsdatum | gultig\ bis
            | \blauft\b.{0,20}\bab\b
        """,
        "PHONE": r"""
            telefon\w* | \btel\b | handy\w* | \bmobil\w* | festnetz\w* | ruckruf\w* | durchwahl
            | rufnummer | whats\ ?app | (?:erreich|ruf)\w*\b.{0,30}\b(?:unter|auf)\b
        """,
        "CARD": r"""
            (?:kredit|debit|bank|giro|ec-?|kunden)-?karten?\w* | \bkarten-?(?:nummer|nr)\b
            | \b(?:ihrer?|meiner?|der|die)\ karte\b | \bvisa\b | master\ ?card | \bamex\b
        """,
        "ACCOUNT": r"""
            fahrgestellnummer | kennzeichen
            | \bkonto\w* | bankleitzahl | \bblz\b | letzten\ (?:vier|4)
            | (?:kunden|vertrags|mitglieds?|versicherungs|policen?|personal|patienten)-?\ ?
              (?:nummer|nr)
        """,
        "EMAIL": r"\be-?\ ?mail | \bmail-?adresse",
    },
    request=r"""
        \b(?:konnen | konnten | kann | darf | durft?e?n? | wurden | geben | nennen | sagen
        | bestatigen | lesen | buchstabieren | wiederholen | brauch\w* | benotig\w* | bitte
        | wie\ (?:lautet|ist|heisst) | was\ ist | welche[rns]? | verraten | diktieren | mitteilen
        | angeben | durchgeben)\b
    """,
    asking=words(
        "konnen konnten kann darf durfen durfte durften wurden geben nennen sagen bestatigen lesen "
        "buchstabieren wiederholen brauche brauchen brauchten benotige benotigen bitte wie was "
        "welche welcher welchen welches verraten diktieren mitteilen angeben durchgeben"
    ),
    elliptic=r"""
        (?:(?:und|dann|noch|auch|ok|okay|gut|danke|jetzt|also|so|prima|super|zuletzt)\W+)*
        (?:ihre?|die|der|das|den|eine?)\b
        (?!.*\b(?:ist|sind|war|waren|lautet|wird|wurde|hat|haben|hatte|kann|muss|geht|kommt)\b)
    """,
    bare_number=r"(?:(?P<of>\w+)\ )?\b(?:nummer|ziffern)\b",
    record_number=rf"\b(?:{_COUNTED})-?\ ?(?:nummern?|nr|code|kennung)\b",
    harmless_cues=(
        rf"""
        (?: \b(?:{_COUNTED})-?\ ?(?:nummern?|nr|code|kennung)\b
            (?:\W+(?!(?:meine?|unter|auf|von|mit)\b)[^\W\d]+){{0,4}} \W*
          | \b(?:{_RECORDS})(?:en|s)?\b (?:\ (?:nummer|nr)\b)?
            (?P<subject>\ (?:ist|war|lautet))? [^\w,]* ) $
        """,
    ),
    harmless_numbers=words("zimmer haus linie platz bus zug grosse kleine falsche richtige welche"),
    answer=words(
        "ja jawohl klar gerne gern sicher naturlich selbstverstandlich moment einen augenblick "
        "also gut ok okay so das ist es sie die der lautet ware meine nummer bestellnummer "
        "auftragsnummer rechnungsnummer hier habe ich bitte danke und war glaube"
    ),
    ending=r"\b(?:endet|endend|endung|enden|die|das)\W+(?:auf|mit)\W+",
    dated=r"\b(?:in|seit|ab|bis|von|jahre?n?|anfang|ende|mitte)\s",
    unit=r"""
        prozent|cent\b|franken|pfund|tausend|hundert|milliarden?|sekunden?|minuten?|stunden?|
        tagen?|tage?\b|nachten?|nachte?\b|wochen?|monaten?|monate?\b|jahren?|jahre?\b|uhr\b|mal\b|
        personen|leute|stuck|artikel|seiten|punkte|kilometer|meter|zentimeter|zoll|quadrat\w*|
        kubik\w*|gramm|tonnen?|liter|grad|watt|volt|ampere|kunden|anrufe|bestellungen|pakete|werk
    """,
    months=words(
        "januar janner februar feber marz maerz april mai juni juno juli august september oktober "
        "november dezember jan feb mrz apr jun jul aug sep sept okt nov dez"
    ),
    ordinals=_ordinals(),
    date_joints=words("der den dem im jahr jahre punkt strich"),
    expiry=r"ablauf|verfall|gultig\ bis|\blauft\b",
    birth_after=r"\bgeboren|\b(?:ist|war)\ (?:mein|ihr|sein)\ geburts(?:tag|datum)",
    looks_like_date=r"bankleitzahl",
    fillers=words("ahm hmm em tja strich bindestrich minus leerzeichen schragstrich komma"),
    loose_fillers=words("und dann danach nochmal die der mal jetzt weiter dazu punkt also"),
    announcing=words(
        "konto karte code pin telefon handy nummer ist war lautet kontonummer kartennummer "
        "telefonnummer handynummer prufziffer"
    ),
    letters=LETTERS,
    signs={
        r"\bpunkt\b": " dot ",
        r"\bunterstrich\b": " underscore ",
        r"\b(?:bindestrich|minus|strich)\b": " dash ",
    },
    email_lead_in=words(
        "ja ist es das die der lautet meine mein mail adresse mailadresse bitte an auf unter und "
        "oder also ich erreichen mich sie schreiben also ahm"
    ),
    before_site=words("sie uns auf bei mich webseite seite schauen schau website"),
)
