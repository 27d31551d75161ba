"""Writes numbers below 1000 in words, as people say them in English, German, French and Spanish."""

from __future__ import annotations

# ruff: noqa: SIM905

ENGLISH = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
).split()
ENGLISH_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
GERMAN = (
    "null eins zwei drei vier f\u00fcnf sechs sieben acht neun zehn elf zw\u00f6lf dreizehn "
    "vierzehn f\u00fcnfzehn sechzehn siebzehn achtzehn neunzehn"
).split()
GERMAN_TENS = "zwanzig drei\u00dfig vierzig f\u00fcnfzig sechzig siebzig achtzig neunzig".split()
FRENCH = (
    "z\u00e9ro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze "
    "seize dix-sept dix-huit dix-neuf"
).split()
FRENCH_TENS = "vingt trente quarante cinquante soixante".split()
SPANISH = (
    "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince "
    "diecis\u00e9is diecisiete dieciocho diecinueve veinte veintiuno veintid\u00f3s "
    "veintitr\u00e9s veinticuatro veinticinco veintis\u00e9is veintisiete veintiocho veintinueve"
).split()
SPANISH_TENS = "treinta cuarenta cincuenta sesenta setenta ochenta noventa".split()
SPANISH_HUNDREDS = (
    "ciento doscientos trescientos cuatrocientos quinientos seiscientos setecientos ochocientos "
    "novecientos"
).split()


def english(number: int) -> str:
    if number < 20:
        return ENGLISH[number]
    if number < 100:
        ten, unit = divmod(number, 10)
        return ENGLISH_TENS[ten - 2] + (f"-{ENGLISH[unit]}" if unit else "")
    # Digit by digit, as English reads the digits of a number.
    return " ".join(ENGLISH[int(digit)] for digit in str(number))


def german(number: int) -> str:
    if number >= 100:
        hundreds, rest = divmod(number, 100)
        return (
            ("ein" if hundreds == 1 else GERMAN[hundreds])
            + "hundert"
            + (german(rest) if rest else "")
        )
    if number < 20:
        return GERMAN[number]
    ten, unit = divmod(number, 10)
    return (f"{'ein' if unit == 1 else GERMAN[unit]}und" if unit else "") + GERMAN_TENS[ten - 2]


def french(number: int) -> str:
    if number >= 100:
        hundreds, rest = divmod(number, 100)
        head = "cent" if hundreds == 1 else f"{FRENCH[hundreds]} cent"
        return f"{head} {french(rest)}" if rest else head
    if number < 20:
        return FRENCH[number]
    if number >= 80:
        return f"quatre-vingt-{FRENCH[number - 80]}" if number > 80 else "quatre-vingts"
    ten, unit = divmod(number, 10)
    if ten == 7:
        return "soixante et onze" if unit == 1 else f"soixante-{FRENCH[10 + unit]}"
    link = " et " if unit == 1 else "-"
    return FRENCH_TENS[ten - 2] + (f"{link}{FRENCH[unit]}" if unit else "")


def spanish(number: int) -> str:
    if number >= 100:
        hundreds, rest = divmod(number, 100)
        return (
            f"{SPANISH_HUNDREDS[hundreds - 1]} {spanish(rest)}"
            if rest
            else ("cien" if hundreds == 1 else SPANISH_HUNDREDS[hundreds - 1])
        )
    if number < 30:
        return SPANISH[number]
    ten, unit = divmod(number, 10)
    return SPANISH_TENS[ten - 3] + (f" y {SPANISH[unit]}" if unit else "")


IN_WORDS = {"en": english, "de": german, "fr": french, "es": spanish}
