"""Spanish."""

from __future__ import annotations

from collections.abc import Sequence

from calls.redaction.languages.vocabulary import LETTERS, NO_NUMBER, Vocabulary, words

_UNITS = {"uno": 1, "dos": 2, "tres": 3, "cuatro": 4, "cinco": 5, "seis": 6, "siete": 7, "ocho": 8,
          "nueve": 9}  # fmt: skip
_TEENS_WORDS = (
    "diez once doce trece catorce quince dieciseis diecisiete dieciocho diecinueve veinte "
    "veintiuno veintidos veintitres veinticuatro veinticinco veintiseis veintisiete veintiocho "
    "veintinueve"
)
_TEENS = {word: value for value, word in enumerate(_TEENS_WORDS.split(), 10)} | {"veintiun": 21}
_TENS_WORDS = "treinta cuarenta cincuenta sesenta setenta ochenta noventa"
_TENS = {word: 10 * value for value, word in enumerate(_TENS_WORDS.split(), 3)}
_HUNDREDS_WORDS = (
    "cient doscient trescient cuatrocient quinient seiscient setecient ochocient novecient"
)
_HUNDREDS = {"cien": 100, "ciento": 100} | {
    f"{stem}{ending}": 100 * value
    for value, stem in enumerate(_HUNDREDS_WORDS.split(), 1)
    for ending in ("os", "as")
}
_REPEATS = {"doble": 1, "triple": 2}
_NUMBER_WORDS = frozenset({*_UNITS, *_TEENS, *_TENS, *_HUNDREDS, "mil"})


def read_number(said: Sequence[str], place: int) -> tuple[int, str]:
    """Return the digits of a number of several words, such as "treinta y cinco"."""
    word = said[place]
    if word == "cero":
        return 1, "0"
    if word in _REPEATS:
        return 1, _repeated(said[place + 1 : place + 2]) * _REPEATS[word]
    if word not in _NUMBER_WORDS:
        return NO_NUMBER
    end, value = _below_1000(said, place)
    if said[end : end + 1] == ["mil"]:
        last, rest = _below_1000(said, end + 1)
        return last - place, str(1000 * max(1, value) + rest)
    return (end - place, str(value)) if value else NO_NUMBER


def _repeated(after: Sequence[str]) -> str:
    if after and len(after[0]) == 1 and after[0].isdigit():
        return after[0]
    return (
        "0" if after == ["cero"] else "".join(str(_UNITS[each]) for each in after if each in _UNITS)
    )


def _below_1000(said: Sequence[str], place: int) -> tuple[int, int]:
    """Return the place after a number and its value, 0 if there is none."""
    hundreds = _HUNDREDS.get("".join(said[place : place + 1]), 0)
    end, rest = _below_100(said, place + bool(hundreds))
    return end, hundreds + rest


def _below_100(said: Sequence[str], place: int) -> tuple[int, int]:
    word = "".join(said[place : place + 1])
    if word in _TENS:
        unit = _UNITS.get("".join(said[place + 2 : place + 3]), 0)
        if said[place + 1 : place + 2] == ["y"] and unit:
            return place + 3, _TENS[word] + unit
        return place + 1, _TENS[word]
    value = _TEENS.get(word) or _UNITS.get(word, 0)
    return place + bool(value), value


_RECORDS = (
    "pedido|factura|ticket|caso|reserva|referencia|seguimiento|paquete|envio|articulo|serie|modelo|"
    "vuelo|contador|incidencia|presupuesto|oferta|orden|reclamacion|expediente|lote|version|error"
)

SPANISH = Vocabulary(
    code="es",
    name="Spanish",
    read_number=read_number,
    cues={
        "SECURITY_CODE": r"""
            codigo\ (?:de\ )?(?:seguridad|verificacion|confirmacion|acceso|activacion|secreto|pin)
            | clave | contrasena | \bpin\b | \bsms\b
            | codigo\ (?:que\ )?(?:le|te|me)\ (?:he|hemos|han)
            | mensaje\ de\ texto | \b(?:el|mi|su|un)\ codigo\b(?!\ postal)
            | (?:tres|3)\ (?:digitos|cifras)
        """,
        "NATIONAL_ID": r"""
            \bd\.?n\.?i\b | \bn\.?i\.?[ef]\b | pasaporte | seguridad\ social | \bcurp\b | \brfc\b
            | carnet\ de\ (?:identidad|conducir) | documento\ de\ identidad | cedula
            | identificacion
            | permiso\ de\ conducir
        """,
        "IBAN": r"\biban\b | datos\ bancarios | \bclabe\b",
        "DATE": r"""
            fecha\ de\ nacimiento | \bnaci\b | \bnacid[oa]\b | cumpleanos | caduc\w* | \bvence\b
            | vencimiento | expir\w* | valid[ao]\ hasta
        """,
        "PHONE": r"""
            telefono | \btel\b | \bmovil\b | celular | \bfijo\b | whats\ ?app
            | (?:llamar|llame|localizar|contactar)\w*\b.{0,25}\b(?:al|en\ el)\b
            | numero\b.{0,20}\b(?:llamar|contactar|localizar)
        """,
        "CARD": r"""
            tarjeta | \bvisa\b | master\ ?card | \bamex\b | (?:16|dieciseis)\ digitos
        """,
        "ACCOUNT": r"""
            bastidor | matricula
            | \bcuentas?\b | (?:cuatro|4)\ ultim[oa]s | ultim[oa]s\ (?:cuatro|4)
            | numero\ de\ (?:cliente|contrato|socio|poliza|afiliado|abonado)
        """,
        "EMAIL": r"\be-?\ ?mail | \bcorreo | direccion\ electronica",
    },
    request=r"""
        \b(?:puede[ns]? | podria[ns]? | podemos | deme | dame | digame | dime | diga | confirme
        | confirmar | lea | leer | deletre\w+ | repita | repetir | necesito | necesitamos
        | cual(?:es)?\ (?:es|son) | por\ favor | facilit\w+ | indi(?:que|car)\w* | proporcion\w+)\b
    """,
    asking=words(
        "puede pueden puedes podria podrian podrias podemos deme dame digame dime diga confirme "
        "confirmar lea leer deletree deletrear deletrearme repita repetir necesito necesitamos "
        "cual cuales favor facilite facilitar facilitarme facilita indique indicar indicarme "
        "proporcione proporcionar proporcionarme"
    ),
    elliptic=r"""
        (?:(?:y|luego|despues|tambien|vale|ok|bien|gracias|ahora|entonces|perfecto|por\ ultimo)\W+)*
        (?:su|sus|tu|el|la|los|un|una)\b
        (?!.*\b(?:es|son|era|esta|sera|ha|han|tiene|puede|debe|va|viene)\b)
    """,
    bare_number=r"\b(?:numero|digitos)\b(?!\ de(?:l)?\b)",
    record_number=rf"""
        \bnumeros?\ de(?:l)?\ (?:la\ |el\ |su\ |mi\ )?(?:{_RECORDS})\b | \breferencia\b
    """,
    harmless_cues=(
        rf"""
        (?: \bnumeros?\ de(?:l)?\ (?:la\ |el\ |su\ |mi\ )?(?:{_RECORDS})s?\b
            (?:\W+(?!(?:mi|al|con|bajo)\b)[^\W\d]+){{0,4}} \W*
          | \b(?:{_RECORDS})e?s?\b (?:\ (?:numero|no|num|n)\b)?
            (?P<subject>\ (?:es|era)(?:\ (?:el|la))?)? [^\w,]* ) $
        """,
    ),
    harmless_numbers=words("que buen mal primer ultimo"),
    answer=words(
        "si claro por supuesto desde luego vale ok bien bueno espere un momento a ver aqui es el "
        "la numero de pedido mi tengo lo este creo gracias favor y eso seria eh pues referencia "
        "factura ticket caso"
    ),
    ending=r"\b(?:termina(?:d[ao])?|acaba(?:d[ao])?|terminacion)\W+(?:en|con)\W+",
    dated=r"\b(?:en|desde|de|del|hasta|ano|entre|y)\s",
    plus=r"\b(?:plus|mas)\W+",
    unit=r"""
        por\ ?ciento|centimos?|centavos?|libras?|pesos?|soles|mil\b|miles|millon(?:es)?|segundos?|
        minutos?|horas?|dias?|noches?|semanas?|mes(?:es)?\b|anos?\b|veces|personas|clientes|
        articulos|piezas|paginas|puntos|kilometros?|metros?|centimetros?|pulgadas?|cuadrados?|
        cubicos?|gramos?|toneladas?|litros?|grados?|vatios?|voltios?|llamadas|pedidos|paquetes|habiles
    """,
    months=words(
        "enero febrero marzo abril mayo junio julio agosto septiembre setiembre octubre noviembre "
        "diciembre"
    ),
    ordinals=words("primero"),
    date_joints=words("de del el barra guion"),
    expiry=r"caduc|\bvence|vencimiento|expir|valid[ao]\ hasta",
    birth_after=r"\bes\ (?:mi|su)\ (?:fecha\ de\ nacimiento|cumpleanos)|\bnaci\b",
    fillers=words("eh este mmm guion espacio barra coma"),
    loose_fillers=words("y luego despues entonces el la de punto pues otra vez"),
    announcing=words("cuenta tarjeta codigo telefono movil numero es era clave pin"),
    letters=LETTERS - set("aeouy"),
    signs={
        r"\bpunto\b": " dot ",
        r"\bguion\ bajo\b": " underscore ",
        r"\bguion(?:\ medio)?\b": " dash ",
    },
    email_lead_in=words(
        "si es mi el la correo electronico direccion e-mail email a de en y o su se mas me pues eh "
        "escribame escriba claro"
    ),
    before_site=words("ver usted nos sitio pagina web en"),
    not_a_domain=words("de es se me no"),
)
