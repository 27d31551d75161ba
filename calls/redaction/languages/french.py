"""French."""

from __future__ import annotations

from collections.abc import Sequence

from calls.redaction.languages.vocabulary import JOINTS, LETTERS, NO_NUMBER, Vocabulary, words

_UNITS = {"un": 1, "deux": 2, "trois": 3, "quatre": 4, "cinq": 5, "six": 6, "sept": 7, "huit": 8,
          "neuf": 9}  # fmt: skip
_TEENS = {"dix": 10, "onze": 11, "douze": 12, "treize": 13, "quatorze": 14, "quinze": 15,
          "seize": 16}  # fmt: skip
_TENS = {"vingt": 20, "vingts": 20, "trente": 30, "quarante": 40, "cinquante": 50, "soixante": 60,
         "septante": 70, "huitante": 80, "octante": 80, "nonante": 90}  # fmt: skip
_ZERO = "zero"
_NEAR = 8  # words and signs around "un"
_REPEATS = {"double": 1, "triple": 2}
_NUMBER_WORDS = frozenset({*_UNITS, *_TEENS, *_TENS, _ZERO, "cent", "cents", "mille"})


def read_number(said: Sequence[str], place: int) -> tuple[int, str]:
    """Return the digits of a number of several words, such as "quatre-vingt-dix-sept"."""
    word = said[place]
    if word == _ZERO:
        return 1, "0"
    if word in _REPEATS:
        return 1, _repeated(said[place + 1 : place + 2]) * _REPEATS[word]
    if word not in _NUMBER_WORDS or (word == "un" and not _beside_number(said, place)):
        return NO_NUMBER
    reader = _Reader(said, place)
    value = reader.below_10_000()
    return (reader.place - place, str(value)) if value else NO_NUMBER


def _repeated(after: Sequence[str]) -> str:
    if after and len(after[0]) == 1 and after[0].isdigit():
        return after[0]
    return (
        "0" if after == [_ZERO] else "".join(str(_UNITS[each]) for each in after if each in _UNITS)
    )


def _beside_number(said: Sequence[str], place: int) -> bool:
    """Return whether "un" is a digit and not an article."""
    before = [word for word in said[max(0, place - _NEAR) : place] if word not in JOINTS]
    after = [word for word in said[place + 1 : place + _NEAR] if word not in JOINTS]
    return any(word.isdigit() or word in _NUMBER_WORDS for word in (*before[-1:], *after[:1]))


class _Reader:
    """Reads one number from ``place`` on. ``place`` is then the word after it."""

    def __init__(self, said: Sequence[str], place: int) -> None:
        self.said = said
        self.place = place

    def below_10_000(self) -> int:
        first = self._below_1000()
        if not self._take({"mille": 1}):
            return first
        return 1000 * max(1, first) + self._below_1000()

    def _below_1000(self) -> int:
        first = self._below_100()
        if first > 19 or not self._take({"cent": 1, "cents": 1}):
            return first
        return 100 * max(1, first) + self._below_100()

    def _below_100(self) -> int:
        if ten := self._take(_TENS):
            return ten + self._after_ten(teens=ten in (60, 80))
        if teen := self._take(_TEENS):
            return teen + (self._last((7, 8, 9)) if teen == 10 else 0)
        unit = self._take(_UNITS)
        if unit == 4 and self._take({"vingt": 1, "vingts": 1}):
            return 80 + self._after_ten(teens=True)
        return unit

    def _after_ten(self, *, teens: bool) -> int:
        start = self.place
        self._take({"et": 1})
        found = self._take(_UNITS)
        if not found and teens and (teen := self._take(_TEENS)):
            found = teen + (self._last((7, 8, 9)) if teen == 10 else 0)
        if not found:
            self.place = start
        return found

    def _last(self, allowed: Sequence[int]) -> int:
        start = self.place
        found = self._take(_UNITS)
        if found not in allowed:
            self.place = start
            return 0
        return found

    def _take(self, known: dict[str, int]) -> int:
        """Move over the next word, and a hyphen before it, if it is known."""
        place = self.place
        if place and self.said[place : place + 1] == ["-"]:
            place += 1
        value = known.get(self.said[place], 0) if place < len(self.said) else 0
        if value:
            self.place = place + 1
        return value


_RECORDS = (
    "commande|facture|ticket|dossier|suivi|colis|reservation|reference|article|serie|modele|devis|"
    "offre|vol|compteur|incident|sinistre|reclamation|livraison|version|lot|erreur|intervention"
)

FRENCH = Vocabulary(
    code="fr",
    name="French",
    read_number=read_number,
    cues={
        "SECURITY_CODE": r"""
            cryptogramme | code\ (?:de\ )?(?:securite|verification|confirmation|secret|acces
            |activation|validation|pin) | code\ d'(?:acces|activation) | mot\ de\ passe | \bpin\b
            | \bsms\b | \btexto\b | code\ (?:recu|envoye|par\ sms) | \b(?:le|mon|votre|un)\ code\b
            | code\ a\ usage\ unique | (?:trois|3)\ chiffres
        """,
        "NATIONAL_ID": r"""
            securite\ sociale | passeport | carte\ (?:nationale\ )?d'identite | piece\ d'identite
            | permis\ de\ conduire | numero\ fiscal | identifiant\ fiscal | carte\ vitale
        """,
        "IBAN": r"\biban\b | \brib\b | coordonnees\ bancaires",
        "DATE": r"""
            date\ de\ naissance | \bnee?\ le\b | \bnee?\b.{0,12}\ben\b | anniversaire
            | date\ d'expiration | expir\w* | valable\ jusqu
        """,
        "PHONE": r"""
            telephone | \btel\b | portable | \bmobile\b | \bfixe\b | whats\ ?app
            | (?:joindre|appeler|rappeler|contacter)\b.{0,25}\bau\b
            | numero\b.{0,20}\b(?:joindre|appeler|rappeler|joignable)
        """,
        "CARD": r"""
            carte\ (?:bancaire|bleue|de\ credit|de\ paiement|visa) | \b(?:ma|votre|la)\ carte\b
            | numero\ de\ (?:la\ |votre\ |ma\ )?carte | \bvisa\b | master\ ?card | \bamex\b
        """,
        "ACCOUNT": r"""
            numero\ de\ chassis | immatriculation
            | \bcomptes?\b | (?:quatre|4)\ derniers | numero\ (?:de\ |d')?(?:client|contrat|adherent
            |assure|membre|police|abonne) | numero\ d'(?:adherent|assure|abonne)
        """,
        "EMAIL": r"\be-?\ ?mail | \bmails?\b | courriel | adresse\ electronique | \bmel\b",
    },
    request=r"""
        \b(?:puis-je | pouvez | pourriez | pourrais | donne[rz]? | dites | dire | confirme[rz]?
        | lire | lisez | epele[rz]? | repete[rz]? | besoin | quel(?:le)?s?\ est | quel(?:le)?s?
        | s'il\ vous | communique[rz]? | indique[rz]? | fourni[rsz]\w* | me\ faut | allez-y)\b
    """,
    asking=words(
        "puis pouvez pourriez pourrais donner donnez donne dites dire confirmer confirmez confirme "
        "lire lisez epeler epelez epele repeter repetez repete besoin quel quelle quels quelles "
        "vous communiquer communiquez indiquer indiquez fournir fournissez faut allez"
    ),
    elliptic=r"""
        (?:(?:et|puis|ensuite|enfin|aussi|ok|okay|bien|merci|alors|donc|maintenant|parfait)\W+)*
        (?:votre|vos|le|la|les|l'|un|une)\b
        (?!.*\b(?:est|sont|etait|sera|a|ont|avait|peut|doit|va|vient)\b)
    """,
    bare_number=r"\b(?:numero|chiffres)\b(?!\ d(?:e|u|')|\ d')",
    record_number=rf"""
        \bnumeros?\ (?:de\ |du\ |d')(?:la\ |votre\ |l')?(?:{_RECORDS})
        | \b(?:reference|numero\ (?:{_RECORDS}))\b
    """,
    harmless_cues=(
        rf"""
        (?: \bnumeros?\ (?:de\ |du\ |d')(?:la\ |ma\ |votre\ |l')?(?:{_RECORDS})s?\b
            (?:\W+(?!(?:mon|au|sous|avec)\b)[^\W\d]+){{0,4}} \W*
          | \b(?:{_RECORDS})s?\b (?:\ (?:numero|no|n)\b)?
            (?P<subject>\ (?:est|etait)(?:\ l[ae])?)? [^\w,]* ) $
        """,
    ),
    harmless_numbers=words("quel bon mauvais premier dernier"),
    answer=words(
        "oui bien sur certainement evidemment volontiers d'accord ok okay alors attendez un moment "
        "instant voila c'est ce le la numero de commande est mon ma j'ai voici euh je crois merci "
        "s'il vous plait et c' donc reference facture ticket dossier"
    ),
    ending=r"\b(?:finit|finissant|finissent|termine|terminant|se\ terminant)\W+(?:par|en)\W+",
    dated=r"\b(?:en|depuis|de|annee|an|fin|debut|entre|et)\s",
    unit=r"""
        pour\ ?cent|centimes?|cents?\b|francs?|livres?\b|mille|milliers?|milliards?|secondes?|
        minutes?|heures?|jours?|nuits?|semaines?|mois\b|ans\b|annees?|fois|personnes|gens|clients|
        articles|pieces|pages|points|kilometres?|metres?|centimetres?|pouces?|carres?|cubes?|
        grammes?|tonnes?|litres?|degres?|watts?|volts?|appels|commandes|colis|ouvr|h\b
    """,
    months=words(
        "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre janv "
        "fevr avr juil sept oct nov dec"
    ),
    ordinals=words("premier 1er er"),
    date_joints=words("de du le l'an slash tiret barre"),
    expiry=r"expir|valable\ jusqu",
    birth_after=r"\best\ (?:ma|sa)\ date\ de\ naissance|\best\ mon\ anniversaire",
    fillers=words("euh heu hum ben tiret espace slash virgule barre"),
    loose_fillers=words("et puis ensuite apres de le la alors donc point encore"),
    announcing=words("compte carte code pin telephone portable numero est etait cryptogramme"),
    letters=LETTERS - {"a", "y"},
    signs={
        r"\bpoint\b": " dot ",
        r"\ba\ commercial\b": "@",
        r"\b(?:tiret\ (?:du\ )?bas|sous-tiret|souligne)\b": " underscore ",
        r"\btiret\b": " dash ",
    },
    email_lead_in=words(
        "oui c'est est mon ma l'adresse adresse mail e-mail email a de le la et ou sur votre je "
        "j'ai suis ecrivez ecrire moi euh alors voici au"
    ),
    before_site=words("voir vous nous site sur page moi"),
    not_a_domain=words("de es se me"),
)
