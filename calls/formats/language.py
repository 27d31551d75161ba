"""Tells the language of a text by its script and its most frequent words.

It prefers no result to a wrong one: a few words, names and numbers have no language. Lists
of words are enough to tell some twenty languages apart by a sentence or two. No model is loaded.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict

UNDETERMINED = "und"  # BCP 47: written in a script that is not known here
NAMES = {
    "ar": "Arabic", "bg": "Bulgarian", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek",
    "en": "English", "es": "Spanish", "fa": "Persian", "fi": "Finnish", "fr": "French",
    "he": "Hebrew", "hi": "Hindi", "hu": "Hungarian", "id": "Indonesian", "it": "Italian",
    "ja": "Japanese", "ko": "Korean", "nl": "Dutch", "no": "Norwegian", "pl": "Polish",
    "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sv": "Swedish", "th": "Thai",
    "tr": "Turkish", "uk": "Ukrainian", "und": "an unknown language", "ur": "Urdu",
    "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip
# Without accents, as texts are compared without them.
_FREQUENT = {
    "en": "the and you to is it that for have of my i'm your we can not what this with was are but "
    "me please thank will just know be do no yes on in they there so how from would about i've "
    "it's don't hello number he she been them one two three four five six seven eight nine",
    "de": "ich und die der das ist nicht sie wir ein eine zu mit es auf fur habe haben mir mich "
    "von den dem im auch aber noch wie kann bitte danke ja nein mein meine ihre ihr sehr bin war "
    "wurde am bei oder wenn dass guten null eins zwei drei vier funf sechs sieben acht neun mochte",
    "fr": "je le la les et est pas vous de des un une que qui dans pour mon ma mes votre avec sur "
    "ce il elle nous ne au du j'ai c'est suis bonjour merci oui non mais plus tres bien etre deux "
    "trois quatre cinq sept huit neuf zero numero depuis encore",
    "es": "el la los las y es no de que en un una por para con mi su se lo me le del al yo usted "
    "muy pero si gracias hola buenos esta estoy tengo como mas cuando porque quiero puede sin uno "
    "dos tres cuatro cinco seis siete ocho nueve cero numero",
    "it": "il la di che e non un una per con mi ho sono del della le lo gli ma si come piu questo "
    "grazie buongiorno molto anche perche quando vorrei mio mia nel alla ha e' da sei tre quattro "
    "cinque sette otto nove numero prego",
    "pt": "o a os as e de que nao em um uma para com meu minha do da no na eu voce se por mas "
    "muito obrigado obrigada ola bom estou tenho esta isso mais quando dois tres quatro cinco "
    "seis sete oito nove numero foi ele ela",
    "nl": "de het een en ik is niet van je u dat die met voor op te heb mijn wij zijn maar ook "
    "aan er naar nog wel goed dank graag kan wat hebben geen deze dit twee drie vier vijf zes "
    "zeven negen goedemorgen goedemiddag bij om",
    "pl": "i nie w na to jest sie z do ze co jak mam prosze dziekuje dzien dobry moj moja tak ale "
    "po za od dla czy mnie pan pani juz tylko przez bardzo jestem moge numer",
    "sv": "och jag att det ar inte en som pa for med har min mitt du vi kan men om till av den nar "
    "tack hej inte mycket fran ni vill ska varit har sig nu ja nej",
    "da": "og jeg at det er ikke en som pa for med har min mit du vi kan men om til af den nar "
    "tak hej meget fra vil skal vaeret sig nu ja nej hvad hvor",
    "no": "og jeg at det er ikke en som pa for med har min mitt du vi kan men om til av den nar "
    "takk hei veldig fra vil skal vaert seg na ja nei hva hvor",
    "fi": "ja on ei se etta en han mutta niin kun minun olen voi hei kiitos hyvaa paivaa minulla "
    "ole teidan nyt mita oli tama ovat sen jos tai",
    "tr": "ve bir bu icin ben cok degil var yok ne mi da de benim siz merhaba tesekkur evet hayir "
    "ile gibi ama daha kadar lutfen olarak numara",
    "cs": "a je to se na ze v jsem neni mam prosim dekuji dobry den jak ale co pro s z do ano muj "
    "moje jsme uz velmi mate cislo",
    "ro": "si nu este de la in un o pe cu sa ca din pentru mai am sunt dumneavoastra buna "
    "multumesc va rog ziua meu mea dar foarte",
    "hu": "a az es nem hogy is egy van de meg csak mert nagyon kerem koszonom jo napot kivanok "
    "igen vagyok mar ezt azt volt lehet",
    "id": "yang dan di ini itu saya tidak untuk dengan anda ada dari ke akan bisa sudah kami "
    "terima kasih tolong selamat apa juga belum",
    "vi": "toi khong la va cua co cho anh chi duoc mot nay vui long cam on xin chao roi da bi",
    "ru": "\u0438 \u0432 \u043d\u0435 \u043d\u0430 \u044f \u0447\u0442\u043e \u044d\u0442\u043e "
    "\u043a\u0430\u043a \u0443 \u043c\u0435\u043d\u044f \u043c\u043d\u0435 \u0432\u044b "
    "\u043d\u043e",
    "uk": "\u0456 \u0432 \u043d\u0435 \u043d\u0430 \u044f \u0449\u043e \u0446\u0435 \u044f\u043a "
    "\u0443 \u043c\u0435\u043d\u0435 \u043c\u0435\u043d\u0456 \u0432\u0438 \u0430\u043b\u0435 "
    "\u0442\u0430",
    "bg": "\u0438 \u0432 \u043d\u0435 \u043d\u0430 \u0430\u0437 \u0447\u0435 "
    "\u0442\u043e\u0432\u0430 \u043a\u0430\u043a \u0441\u0435 \u0441\u044a\u043c \u0434\u0430 "
    "\u0449\u0435 \u0437\u0430",
}
# First and last sign of a script, and its usual language.
_SCRIPTS = (
    ("\u0370", "\u03ff", "el"), ("\u0400", "\u052f", "ru"), ("\u0590", "\u05ff", "he"),
    ("\u0600", "\u077f", "ar"), ("\u0900", "\u097f", "hi"), ("\u0e00", "\u0e7f", "th"),
    ("\u1100", "\u11ff", "ko"), ("\uac00", "\ud7af", "ko"), ("\u3040", "\u30ff", "ja"),
    ("\u4e00", "\u9fff", "zh"),
)  # fmt: skip
_CYRILLIC = ("ru", "uk", "bg")
_ONLY_IN = {"fa": "\u067e\u0686\u0698\u06af", "ur": "\u0679\u0688\u0691\u06d2"}
_LAST_LATIN = "\u024f"
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_READ = 20_000  # more characters do not change the result
_FEWEST = 3  # different frequent words that a text must have
_LEAST_SHARE = 0.12  # of all words
_CLEARLY = 1.5  # times the score of the second language


def _languages_by_word() -> dict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for code, words in _FREQUENT.items():
        for word in dict.fromkeys(words.split()):
            found[word].append(code)
    return dict(found)


_BY_WORD = _languages_by_word()


def detect_language(text: str) -> str:
    """Return the code of a text's language, or an empty string if it cannot be told."""
    read = text[:_READ]
    script = _script_language(read)
    if script and script not in _CYRILLIC:
        return script
    words = _WORD.findall(_without_accents(read))
    best = _by_words(words, _CYRILLIC if script else None)
    return best or script


def name_of(code: str) -> str:
    """Return the English name of a language, or the code itself."""
    return NAMES.get(primary(code), code)


def primary(code: str) -> str:
    """Return the language of a BCP 47 code: ``en`` of ``en-GB``."""
    return re.split(r"[-_]", code.strip().lower())[0]


def _without_accents(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold().replace("\u2019", "'"))
    latin = (each for each in plain if not "\u0300" <= each <= "\u036f")
    return "".join(latin) if not text.isascii() else plain


def _script_language(text: str) -> str:
    """Return the usual language of the script that most letters have; empty for Latin."""
    if text.isascii():
        return ""
    letters = Counter(sign for sign in text if sign.isalpha())
    latin = sum(count for sign, count in letters.items() if sign <= _LAST_LATIN)
    if latin * 2 >= letters.total():
        return ""
    scripts: Counter[str] = Counter()
    for sign, count in letters.items():
        if sign > _LAST_LATIN:
            scripts[_language_of_sign(sign)] += count
    if scripts["ja"] * 10 >= scripts["zh"] and scripts["ja"]:
        return "ja"  # which writes with Chinese characters as well
    best = scripts.most_common(1)[0][0]
    if best == "ar":
        return next((code for code, own in _ONLY_IN.items() if set(own) & letters.keys()), "ar")
    return best


def _language_of_sign(sign: str) -> str:
    return next((code for first, last, code in _SCRIPTS if first <= sign <= last), UNDETERMINED)


def _by_words(words: list[str], among: tuple[str, ...] | None) -> str:
    """Return the language whose frequent words a text has. A word of several counts in parts."""
    scores: defaultdict[str, float] = defaultdict(float)
    different: Counter[str] = Counter()
    for word, count in Counter(words).items():
        for code in _BY_WORD.get(word, ()):
            if among is None or code in among:
                scores[code] += count / len(_BY_WORD[word])
                different[code] += 1
    ranked = sorted(scores, key=lambda code: -scores[code])
    if not ranked:
        return ""
    code, score = ranked[0], scores[ranked[0]]
    second = scores[ranked[1]] if len(ranked) > 1 else 0
    is_sure = score >= _CLEARLY * second and score >= _LEAST_SHARE * len(words)
    return code if is_sure and different[code] >= _FEWEST else ""
