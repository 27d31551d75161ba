"""Personal data in English, German, French and Spanish, and what is removed in other languages."""

from __future__ import annotations

import cProfile
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.conversation import Turn
from calls.redaction.folding import fold
from calls.redaction.languages.rules import VOCABULARIES, rules_for
from calls.redaction.redact import redact
from calls.redaction.spoken_numbers import tokenize
from calls.tests.redaction.number_words import IN_WORDS


def said_in(language: str, text: str, question: str = "") -> str:
    asked = [Turn("agent", 0, 1_000, question)] if question else []
    answer = Turn("customer", 1_000, 2_000, text)
    return redact([*asked, answer], language=language).turns[-1].text


GONE = [
    ("de", "", "Meine Nummer ist null eins sieben null, eins zwei drei vier fünf sechs sieben.",
     "Meine Nummer ist [PHONE]."),
    ("de", "", "Ich bin am 12. März 1985 geboren.", "Ich bin am [DATE] geboren."),
    ("de", "Wann sind Sie geboren?", "am zwölften März neunzehnhundertfünfundachtzig", "am [DATE]"),
    ("de", "", "Die Prüfziffer ist 912.", "Die Prüfziffer ist [SECURITY_CODE]."),
    ("de", "", "Der Code aus der SMS ist 447719.", "Der Code aus der SMS ist [SECURITY_CODE]."),
    ("de", "Wie lautet Ihre PIN?", "Vier vier eins neun.", "[SECURITY_CODE]."),
    ("de", "", "Kreditkarte: vierundfünfzig zwei und zwanzig, eins fünf null null, elf, elf, elf",
     "Kreditkarte: [CARD]"),
    ("de", "", "Meine Kundennummer ist 4471.", "Meine Kundennummer ist [ACCOUNT]."),
    ("de", "", "Doppelnull, sieben, dreimal die vier, zwo, sechs, eins", "[ACCOUNT]"),
    ("de", "", "maria Punkt lopez at beispiel Punkt de", "[EMAIL]"),
    ("de", "", "info Unterstrich eins Klammeraffe beispiel Bindestrich shop Punkt de", "[EMAIL]"),
    ("fr", "", "Mon numéro : zéro six, douze, trente-quatre, cinquante-six, soixante-dix-huit.",
     "Mon numéro : [PHONE]."),
    ("fr", "", "Je suis née le douze mars mille neuf cent quatre-vingt-cinq.",
     "Je suis née le [DATE]."),
    ("fr", "", "Le cryptogramme est 912.", "Le cryptogramme est [SECURITY_CODE]."),
    ("fr", "Quel est le code reçu par SMS ?", "C'est le quarante-quatre, soixante et onze.",
     "C'est le [SECURITY_CODE]."),
    ("fr", "", "Ma carte, c'est quatre mille cinq cent trente-deux, zéro un cinq un, onze trois",
     "Ma carte, c'est [CARD]"),
    ("fr", "", "marie point dupont arobase exemple point fr", "[EMAIL]"),
    ("fr", "Votre mail ?", "marie, tiret du bas, dupont, arobase, exemple, point com", "[EMAIL]"),
    ("fr", "", "Mon numéro de client est le 4471.", "Mon numéro de client est le [ACCOUNT]."),
    ("es", "", "Mi móvil es seiscientos doce, treinta y cuatro, cincuenta y seis, setenta y ocho.",
     "Mi móvil es [PHONE]."),
    ("es", "", "Nací el 12 de marzo de 1985.", "Nací el [DATE]."),
    ("es", "¿Su fecha de nacimiento?", "el doce de marzo de mil novecientos ochenta y cinco",
     "el [DATE]"),
    ("es", "", "El código que me han enviado es 447719",
     "El código que me han enviado es [SECURITY_CODE]"),
    ("es", "¿Cuál es su clave?", "veintiuno, treinta y dos", "[SECURITY_CODE]"),
    ("es", "", "Mi tarjeta es cuatro cinco tres dos, cero uno cinco uno, doble cero, seis seis",
     "Mi tarjeta es [CARD]"),
    ("es", "", "maria punto lopez arroba ejemplo punto es", "[EMAIL]"),
    ("es", "", "maria guion bajo lopez, arroba, ejemplo, punto com", "[EMAIL]"),
]  # fmt: skip


@pytest.mark.parametrize(("language", "question", "text", "left"), GONE)
def test_personal_data_is_removed_in_its_language(
    language: str, question: str, text: str, left: str
) -> None:
    assert said_in(language, text, question) == left


@pytest.mark.parametrize(
    ("language", "question", "text"),
    [
        ("de", "Wie lautet Ihre Bestellnummer?", "Ja, gerne, sie lautet 10023344."),
        ("de", "", "Das kostet zweitausenddreihundert Euro, in einundzwanzig Tagen."),
        ("de", "", "Die Rechnung Nummer 20261144 ist vom 3. März 2024."),
        ("de", "", "Die Bestellung 4471982 kam in 30 Tagen nicht an."),
        ("de", "", "Schauen Sie auf beispiel Punkt de nach, am Punkt drei."),
        ("de", "Ihre Telefonnummer?", "Ich habe 30 Tage und 12 Prozent, 200 Euro."),
        ("de", "", "Um 12.30 Uhr kommen 3 Leute mit 1.250.000 Euro, acht geben nichts."),
        ("fr", "Quel est votre numéro de commande ?", "Oui, bien sûr, c'est le 10023344."),
        ("fr", "", "C'est quatre-vingt-dix-sept euros, dans trente jours, à 12 h 30 ou 14 h 45."),
        ("fr", "", "J'ai un deux-pièces et un chat, un vrai."),
        ("fr", "", "À ce point de la discussion, je suis content, au point de rire."),
        ("fr", "", "La commande 4471982 n'est pas arrivée en 2024."),
        ("fr", "", "Le numéro de suivi, je crois, est le 7788991."),
        ("es", "¿Me dice el número de pedido?", "Sí, claro, es el 10023344."),
        ("es", "", "Son noventa y siete euros en treinta días, once veces, uno de los dos."),
        ("es", "", "El punto es que no me llega, en este punto de la obra."),
        ("es", "", "Entre 1200 o 1500 personas y 300 o 400 más."),
        ("es", "", "El pedido 4471982 no ha llegado, la factura es la 20261144."),
        ("it", "", "Sono 1200 o 1500 euro, a 350 e 400 metri, alle 10:30."),
    ],
)
def test_an_everyday_number_stays_in_its_language(language: str, question: str, text: str) -> None:
    assert said_in(language, text, question) == text


@pytest.mark.parametrize("language", ["it", "tr", "ja", "xx"])
@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("La carta: 4532 0151 1283 0366!", "La carta: [CARD]!"),
        ("IBAN DE89 3704 0044 0532 0130 00.", "IBAN [IBAN]."),
        ("maria.lopez@esempio.it", "[EMAIL]"),
        ("maria chiocciola esempio punto com", "[EMAIL]"),
        ("+39 333 1234567", "[PHONE]"),
        ("PIN: 4471", "PIN: [SECURITY_CODE]"),
    ],
)
def test_data_with_a_known_shape_is_removed_in_any_language(
    language: str, text: str, left: str
) -> None:
    assert said_in(language, text) == left


@pytest.mark.parametrize(
    ("declared", "texts", "ruled", "others"),
    [
        ("", ["Hello"], ("en",), ()),
        ("en-GB", ["Hello"], ("en",), ()),
        ("de", ["Hallo"], ("de",), ()),
        ("en", ["Ich bin am 12. März 1985 geboren, und das ist nicht gut."], ("en", "de"), ()),
        ("it", ["Hello, how can I help you today?", "Yes, I have a question."], ("en",), ()),
        ("it", ["Pronto?"], (), ("it",)),
        ("en", ["How can I help you?", "Il mio numero non è questo, grazie."], ("en",), ("it",)),
        ("", ["Я очень зол, верните мне деньги."], (), ("ru",)),
    ],
)  # fmt: skip
def test_a_result_names_the_languages_whose_rules_were_used(
    declared: str, texts: list[str], ruled: tuple[str, ...], others: tuple[str, ...]
) -> None:
    turns = [
        Turn("customer" if place else "agent", place, place + 1, text)
        for place, text in enumerate(texts)
    ]

    found = redact(turns, language=declared).languages

    assert (found.ruled, found.others) == (ruled, others)
    assert bool(found.note) == bool(others)


@pytest.mark.parametrize("language", IN_WORDS)
@pytest.mark.parametrize("number", [*range(100), *range(100, 1000, 37)])
def test_a_number_in_words_is_read(language: str, number: int) -> None:
    rules = rules_for((language,))
    # "un" and "ein" alone are articles.
    text = fold(f"{IN_WORDS[language](number)}, {IN_WORDS[language](9)}").text

    digits = "".join(token.digits for token in tokenize(text, rules))

    assert digits == f"{number}9"


ANNOUNCED = {
    "en": ["My phone number is {}.", "The card is {}.", "Account number: {}.", "My PIN is {}."],
    "de": ["Meine Telefonnummer ist {}.", "Die Kartennummer lautet {}.", "Meine PIN ist {}."],
    "fr": ["Mon téléphone est le {}.", "Le numéro de carte est {}.", "Mon code PIN est le {}."],
    "es": ["Mi teléfono es el {}.", "El número de tarjeta es {}.", "Mi PIN es {}."],
}


@st.composite
def spoken(draw: st.DrawFn, language: str, digits: str) -> str:
    """Read digits in groups of one to three, as people do. A zero is read alone."""
    parts: list[str] = []
    while digits:
        length = 1 if digits[0] == "0" else draw(st.integers(1, 3))
        parts.append(IN_WORDS[language](int(digits[:length])))
        digits = digits[length:]
    return draw(st.sampled_from([", ", "... ", ", ", " - "])).join(parts)


@given(language=st.sampled_from(sorted(ANNOUNCED)), data=st.data())
def test_a_number_in_words_is_removed_after_the_cues_of_its_language(
    language: str, data: st.DataObject
) -> None:
    cue = data.draw(st.sampled_from(ANNOUNCED[language]))
    length = st.integers(4, 8) if "PIN" in cue else st.integers(8, 19)
    size = data.draw(length)
    digits = data.draw(st.text("0123456789", min_size=size, max_size=size))
    words = data.draw(spoken(language, digits))

    left = said_in(language, cue.format(words))

    assert re.fullmatch(re.escape(cue).replace(r"\{\}", r"\[[A-Z_]+\]"), left), (words, left)


NUMBERS_TOO = {"one", "un", "oh", "o"}


@given(st.sampled_from(sorted(VOCABULARIES)), st.data())
def test_a_text_without_numbers_stays_in_each_language(language: str, data: st.DataObject) -> None:
    known = VOCABULARIES[language]
    words = sorted((known.answer | known.asking | known.email_lead_in) - NUMBERS_TOO)
    text = " ".join(data.draw(st.lists(st.sampled_from(words), max_size=12)))

    assert said_in(language, text, "Card, PIN, SMS?") == text


PIECES = [
    "1 ", "o ", "oh oh ", "eins ", "und ", "quatre vingt ", "y treinta y ", "a at b dot com ",
    "\u2011", "@.", "the and then ", "I was born 12 march ", "dreimal die ", "in 2022 ", "12/12/",
]  # fmt: skip


@pytest.mark.parametrize("piece", PIECES)
def test_the_work_is_proportional_to_the_text(piece: str) -> None:
    work = [calls_to_redact((piece * length)[:length]) for length in (2_000, 8_000)]

    assert work[1] < 5 * work[0]


def calls_to_redact(text: str) -> int:
    """Count the function calls that it takes to redact a text."""
    question = Turn("agent", 0, 1, "Your e-mail, your card, your IBAN and your PIN?")
    profile = cProfile.Profile()
    profile.runcall(redact, [question, Turn("customer", 1, 2, text)], language="en")
    return sum(entry.callcount for entry in profile.getstats())
