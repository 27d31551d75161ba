"""The language of a text is recognised by its words, or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from calls.formats.language import UNDETERMINED, detect_language, name_of, primary
from calls.simulation.scripts import DEMO_CALLS

HEARD = Path(__file__).parents[1] / "data" / "heard_scripts.json"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("I would like to cancel my order, please.", "en"),
        ("Ich bin sehr verärgert, ich möchte mein Geld zurück.", "de"),
        ("Je suis très en colère, vous m'avez pris l'argent deux fois.", "fr"),
        ("Estoy muy enfadado, me han cobrado dos veces.", "es"),
        ("Sono molto arrabbiato con voi, non è la prima volta.", "it"),
        ("Estou muito zangado, não é a primeira vez.", "pt"),
        ("Ik ben heel boos, dat is niet de eerste keer.", "nl"),
        ("Jestem bardzo zły, to nie jest pierwszy raz.", "pl"),
        ("Jag är mycket arg, det är inte första gången.", "sv"),
        ("Olen erittäin vihainen, tämä ei ole minun vika, kiitos.", "fi"),
        ("Bu benim için çok kötü, lütfen.", "tr"),
        ("أنا غاضب جدا لقد أخذتم المال مرتين", "ar"),
        ("من خیلی عصبانی هستم، پولم را پس بدهید", "fa"),
        ("Я очень зол, верните мне деньги.", "ru"),
        ("Я дуже злий, це вже не вперше, але ви мені не допомогли.", "uk"),
        ("我很生气", "zh"),
        ("とても怒っています。お金を返してください。", "ja"),
        ("정말 화가 났어요.", "ko"),
        ("मैं बहुत नाराज़ हूँ", "hi"),
        ("אני מאוד כועס", "he"),
        ("Είμαι πολύ θυμωμένος", "el"),
        ("ฉันโกรธมาก", "th"),
        ("მე ძალიან გაბრაზებული ვარ", UNDETERMINED),
    ],
)
def test_a_sentence_has_a_language(text: str, language: str) -> None:
    assert detect_language(text) == language


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Hello",
        "10023344",
        "OK, no.",
        "Maria Lopez, Grace Love",
        "de la la la",
        "[CARD] [EMAIL]",
        "!?",
    ],
)
def test_a_few_words_have_no_language(text: str) -> None:
    assert detect_language(text) == ""


def test_no_turn_of_an_english_call_looks_foreign() -> None:
    demo = [
        turn for path in DEMO_CALLS.glob("*.json") for turn in json.loads(path.read_text())["turns"]
    ]
    heard = [turn for call in json.loads(HEARD.read_text()).values() for turn in call["heard"]]

    foreign = [
        turn["text"] for turn in [*demo, *heard] if detect_language(turn["text"]) not in ("", "en")
    ]

    assert len(demo) + len(heard) > 200
    assert foreign == []


def test_a_code_has_a_name_and_a_language() -> None:
    assert [primary(code) for code in ("en-GB", "DE_at", "fr", "")] == ["en", "de", "fr", ""]
    assert [name_of(code) for code in ("en-GB", "de", "xx")] == ["English", "German", "xx"]
