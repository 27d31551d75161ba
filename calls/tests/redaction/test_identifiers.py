"""Identifiers that hold letters: removed by an unmistakable shape, or after a cue."""

from __future__ import annotations

import pytest

from calls.conversation import Turn
from calls.redaction.redact import redact
from calls.tests.redaction.redacted import said

SHAPES = [
    ("RSSMRA85T10A562S", "[NATIONAL_ID]"),  # codice fiscale
    ("rssmra85t10a562s", "[NATIONAL_ID]"),
    ("12345678Z", "[NATIONAL_ID]"),  # DNI
    ("X1234567L", "[NATIONAL_ID]"),  # NIE
    ("X-1234567-L", "[NATIONAL_ID]"),
    ("ABCPE1234F", "[NATIONAL_ID]"),  # PAN of a person
    ("1EG4-TE5-MK73", "[NATIONAL_ID]"),  # Medicare
    ("1EG4 TE5 MK73", "[NATIONAL_ID]"),
    ("1HGCM82633A004352", "[ACCOUNT]"),  # VIN
]


@pytest.mark.parametrize("language", ["en", "de", "it", "ja", ""])
@pytest.mark.parametrize(("code", "left"), SHAPES)
def test_an_unmistakable_shape_goes_in_any_language(code: str, left: str, language: str) -> None:
    turn = Turn("customer", 0, 1, f"Ok, {code}, ok.")

    assert redact([turn], language=language).turns[0].text == f"Ok, {left}, ok."


@pytest.mark.parametrize(
    "code",
    ["RSSMRA85T10A562T", "12345678A", "1HGCM82643A004352", "ABCCE1234F", "XK-1234-A"],
)
def test_a_code_that_only_resembles_one_stays(code: str) -> None:
    assert said(f"The part is {code}, thanks.") == f"The part is {code}, thanks."


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("My passport is C01X00T47.", "My passport is [NATIONAL_ID]."),
        ("My password is Hunter2.", "My password is [SECURITY_CODE]."),
        ("My password is letMeIn!", "My password is [SECURITY_CODE]"),
        ("The passcode was sun$shine, I think.", "The passcode was [SECURITY_CODE], I think."),
        ("Mein Passwort lautet katzeKlo.", "Mein Passwort lautet [SECURITY_CODE]."),
        ("My password is wrong.", "My password is wrong."),
        ("My password is not accepted, and the line is 100Mbps.",) * 2,
        ("Order AB-1234-C came without part XK-99-B.",) * 2,
    ],
)
def test_other_codes_and_passwords_go_only_where_they_are_named(text: str, left: str) -> None:
    assert said(text) == left
