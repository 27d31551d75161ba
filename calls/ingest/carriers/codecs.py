"""Translates vendors' words for codecs, rates and channels into the media types that are stored.

An unknown word does not lose the call: its audio is stored under ``audio/x-unknown``. What
could not be read, or had to be assumed, is returned as remarks for people.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from calls.formats.media_types import Encoding, parse_media, unknown_media

_PREFERRED: Mapping[Encoding, str] = {
    "mulaw": "audio/x-mulaw",
    "alaw": "audio/x-alaw",
    "l16le": "audio/l16",
    "l16be": "audio/l16",
}
# In lower case, without separators: G.711 u-law, g711_ulaw and g711-ulaw are one word.
_WORDS: Mapping[Encoding, tuple[str, ...]] = {
    "mulaw": (
        *("mulaw", "ulaw", "pcmu", "pcmmulaw", "pcmulaw", "mulaw8", "ulaw8", "basic", "g711"),
        *("g711u", "g711mu", "g711ulaw", "g711mulaw", "pcmg711u", "pcmg711ulaw", "mulaw8bit"),
    ),
    "alaw": ("alaw", "pcma", "pcmalaw", "alaw8", "g711a", "g711alaw", "pcmg711a", "pcmg711alaw"),
    "l16le": (
        *("l16", "l16le", "lin16", "linear", "linear16", "linear16le", "linearpcm", "linearpcm16"),
        *("lpcm", "lpcm16", "pcm", "pcm16", "pcm16bit", "pcm16le", "pcm16lsb", "pcms16", "pcmle"),
        *("pcms16le", "pcmsigned", "pcmsigned16", "pcm16bitle", "pcmsigned16bit", "pcmsigned16le"),
        *("raw", "rawpcm", "pcmraw", "rawaudio", "rawlinear", "rawl16", "s16", "s16le", "int16"),
        *("int16le", "i16", "i16le", "signed16", "signed16le", "sint16", "signedinteger16"),
        *("16bitpcm", "16bitlinear", "16bitlinearpcm", "slin", "slinear", "slin16bit"),
    ),
    "l16be": (
        *("l16be", "pcm16be", "pcms16be", "pcm16msb", "pcmbe", "s16be", "int16be", "i16be"),
        *("signed16be", "linear16be", "pcmsigned16be", "pcm16bitbe"),
    ),
}
_ENCODINGS = {word: encoding for encoding, words in _WORDS.items() for word in words}
# These say how the bytes travel, not what they mean.
_PACKAGING = {"base64", "b64", "wav", "wave", "xwav", "binary", "bytes", "default", "none", "null"}
_UNDECODABLE = {
    *("g722", "g7221", "g723", "g726", "g728", "g729", "g729a", "amr", "amrnb", "amrwb", "evs"),
    *("opus", "oggopus", "webmopus", "speex", "ilbc", "isac", "gsm", "silk", "mp3", "mpeg", "aac"),
    *("flac", "ogg", "vorbis", "webm", "adpcm", "vox", "codec2", "lyra", "pcmu8", "pcms8"),
    *("pcms24le", "pcms32le", "pcmf32le", "float32", "f32le", "s24le", "s32le", "u8", "linear32"),
}
_KHZ = {"11": 11_025, "22": 22_050, "44": 44_100, "441": 44_100, "2205": 22_050, "11025": 11_025}
_MOST_HZ = 1_000_000
_BIG = {"big", "bigendian", "be", "network", "networkbyteorder", "msb", "msbfirst"}
_LITTLE = {"", "little", "littleendian", "le", "host", "lsb", "lsbfirst", "native"}
_CHANNELS = {"mono": 1, "mixed": 1, "single": 1, "stereo": 2, "dual": 2}
_DEFAULT_RATE = 8_000
KEPT = "Its audio is stored as received."


@dataclass(frozen=True, slots=True)
class Declared:
    """The media type of a stream as it is stored, and remarks for people."""

    media: str
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Named:
    """What a codec's name says. ``word`` is the unknown part, if there is one."""

    encoding: Encoding | None = None
    rate: int | None = None
    channels: int | None = None
    endian: str = ""
    word: str = ""


@dataclass(slots=True)
class _Reading:
    """What was found so far, and the remarks about it."""

    rate: int | None
    channels: int | None
    remarks: list[str] = field(default_factory=list)


def media_type(
    codec: str,
    rate: Any = None,
    channels: Any = None,
    endian: str = "",
    *,
    fallback: Encoding = "mulaw",
    is_usual: bool = False,
) -> Declared:
    """Return the media type of a vendor's codec.

    A rate in ``codec`` overrides ``rate``: ``slin16``, ``L16@16000h``, ``audio/l16;rate=16000``.
    ``fallback`` is the encoding if none is named; ``is_usual``: its vendors never name it.
    """
    named = read_codec(codec)
    reading = _Reading(named.rate, named.channels)
    _add_rate(reading, rate)
    _add_channels(reading, channels)
    if named.word:
        return _unknown(codec, reading, named.word)
    encoding = named.encoding or fallback
    if named.encoding is None and not is_usual:
        reading.remarks.insert(0, f"The sender named no encoding: {_plain(encoding)} was assumed.")
    if encoding.startswith("l16") and reading.rate is None and not _says_rate(codec, rate):
        reading.remarks.append(f"The sender named no sample rate: {_DEFAULT_RATE} Hz was assumed.")
    if encoding == "l16le":
        encoding = _byte_order(named.endian or endian, reading)
    text = _composed(encoding, reading)
    try:
        parse_media(text)
    except ValueError:
        return _unknown(codec or _plain(encoding), reading)
    return Declared(text, tuple(reading.remarks))


def read_codec(codec: str) -> Named:
    """Read a name such as ``PCMU/8000``, ``pcm_16000``, ``raw/slin`` or GStreamer's caps."""
    head, *parameters = re.split(r"[;,]", codec[:200].strip().strip("\"'").lower())
    named = Named()
    for part in re.split(r"[/@]", head):
        named = _with_part(named, part.strip())
    for key, value in _pairs(parameters):
        if key in ("rate", "samplerate", "clockrate"):
            named = replace(named, rate=read_rate(value) or named.rate)
        elif key == "channels":
            named = replace(named, channels=read_channels(value) or named.channels)
        elif key in ("format", "encoding", "codec"):
            named = _with_part(replace(named, word="", encoding=None), value)
        elif key in ("endian", "endianness"):
            named = replace(named, endian=value)
    # "raw/slin" has two words for one encoding; "raw/opus" is not raw at all.
    return replace(named, word="") if named.encoding and not _is_undecodable(named.word) else named


def _is_undecodable(word: str) -> bool:
    return re.sub(r"[^a-z0-9]", "", word) in _UNDECODABLE


def _pairs(parameters: list[str]) -> Iterator[tuple[str, str]]:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        # GStreamer writes rate=(int)16000.
        yield re.sub(r"[\s_-]", "", name), re.sub(r"^\(\w+\)", "", value.strip()).strip("\"' ")


def _with_part(named: Named, part: str) -> Named:
    if part in ("", "audio", "codec"):
        return named
    if re.fullmatch(r"\d{4,6}h?z?", part):
        return replace(named, rate=read_rate(part.rstrip("hz")))
    if re.fullmatch(r"[1-9]|\d\di", part):  # the channels, or SignalWire's milliseconds
        return replace(named, channels=int(part)) if part.isdecimal() else named
    word = re.sub(r"[^a-z0-9]", "", re.sub(r"^x[-_]", "", part).translate({0xB5: "u", 0x3BC: "u"}))
    encoding, rate = _look_up(word)
    if encoding is not None:
        return replace(named, encoding=encoding, rate=rate or named.rate)
    return named if word in _PACKAGING else replace(named, word=named.word or part)


def _look_up(word: str) -> tuple[Encoding | None, int | None]:
    """Return the encoding of a word, and the rate at its end: ulaw8000, pcm16khz, slin16."""
    if slin := re.fullmatch(r"slin(?:ear)?(\d{1,3})", word):
        return "l16le", _of_khz(slin[1])
    if word in _ENCODINGS:
        return _ENCODINGS[word], None
    if match := re.fullmatch(r"(.+?)(\d{4,6})(?:hz)?", word):
        # The digits of l1616000 can be split in several ways; the name decides.
        for length in (5, 4, 6):
            name, digits = word.removesuffix("hz")[:-length], word.removesuffix("hz")[-length:]
            if name in _ENCODINGS and digits.isdecimal():
                return _ENCODINGS[name], int(digits)
    if match := re.fullmatch(r"(.+?)(\d{1,5})k(?:hz)?", word):
        for length in range(1, len(match[2]) + 1):
            name, digits = (match[1] + match[2])[:-length], match[2][-length:]
            if name in _ENCODINGS:
                return _ENCODINGS[name], _of_khz(digits)
    return None, None


def read_rate(value: Any) -> int | None:
    """Return a rate in hertz: 8000, "8000", "8 kHz", "16k", 44.1. None if it cannot be read."""
    text = re.sub(r"\s", "", _as_text(value).lower())
    match = re.fullmatch(r"([0-9]{1,7}(?:\.[0-9]{1,4})?)(khz|k|hz|h)?", text)
    if match is None:
        return None
    number, unit = float(match[1]), match[2] or ""
    if unit.startswith("k") or (not unit and number < 200):
        return _of_khz(match[1].removesuffix(".0"))
    return int(number) if 0 < number <= _MOST_HZ else None


def _of_khz(digits: str) -> int | None:
    """Return kilohertz as hertz. 11, 22 and 44 are short for rates that are not whole numbers."""
    hertz = _KHZ.get(digits.replace(".", "")) or round(float(digits) * 1000)
    return hertz if 0 < hertz <= _MOST_HZ else None


def read_channels(value: Any) -> int | None:
    """Return the number of channels; None if it cannot be read."""
    text = _as_text(value).strip().lower()
    if text in _CHANNELS:
        return _CHANNELS[text]
    match = re.fullmatch(r"([0-9]{1,3})(?:\.0+)?", text)
    return int(match[1]) or None if match else None


def _as_text(value: Any) -> str:
    return str(value) if isinstance(value, str | int | float) and value is not True else ""


def _add_rate(reading: _Reading, said: Any) -> None:
    if reading.rate is not None or said in (None, ""):
        return
    reading.rate = read_rate(said)
    if reading.rate is None:
        reading.remarks.append(
            f"The sample rate {_quoted(said)} cannot be read: {_DEFAULT_RATE} Hz was assumed."
        )


def _add_channels(reading: _Reading, said: Any) -> None:
    if reading.channels is not None or said in (None, ""):
        return
    reading.channels = read_channels(said)
    if reading.channels is None:
        reading.remarks.append(
            f"The number of channels {_quoted(said)} cannot be read: one was assumed."
        )


def _says_rate(codec: str, rate: Any) -> bool:
    """Whether a rate was given, readable or not. Asterisk's ``slin`` means 8 kHz."""
    return rate not in (None, "") or codec.strip().lower() == "slin"


def _byte_order(endian: str, reading: _Reading) -> Encoding:
    word = re.sub(r"[^a-z]", "", endian.lower())
    if word in _BIG:
        return "l16be"
    if word not in _LITTLE:
        reading.remarks.append(
            f"The byte order {_quoted(endian)} cannot be read: low byte first was assumed."
        )
    return "l16le"


def _composed(encoding: Encoding, reading: _Reading) -> str:
    text = f"{_PREFERRED[encoding]};rate={reading.rate or _DEFAULT_RATE}"
    if reading.channels not in (None, 1):
        text += f";channels={reading.channels}"
    return f"{text};endian=big" if encoding == "l16be" else text


def _unknown(codec: str, reading: _Reading, word: str = "") -> Declared:
    """Return the type of audio that cannot be decoded; ``word`` is the unknown part."""
    said = f"{codec} {_extent(reading)}".strip()
    if _is_undecodable(word):
        told = f"The sender's format cannot be decoded here: {_quoted(said)}. {KEPT}"
    elif word:
        told = f"The sender named a format that is not known: {_quoted(said)}. {KEPT}"
    else:
        told = f"The sender named a format that is not supported: {_quoted(said)}. {KEPT}"
    return Declared(unknown_media(said), (told,))


def _extent(reading: _Reading) -> str:
    rate = f"{reading.rate} Hz" if reading.rate else ""
    channels = f"{reading.channels} channels" if reading.channels not in (None, 1) else ""
    return " ".join(part for part in (rate, channels) if part)


def _plain(encoding: Encoding) -> str:
    return {"mulaw": "mu-law", "alaw": "A-law"}.get(encoding, "16-bit PCM")


def _quoted(said: Any) -> str:
    """Quote a sender's word. Databases can store neither NUL nor half a surrogate pair."""
    if isinstance(said, list | dict):  # which may be deeper than can be written
        return "a list" if isinstance(said, list) else "an object"
    clean = str(said)[:200].replace("\0", "").encode("utf-8", "replace").decode()
    return f"“{clean.strip()[:60]}”"
