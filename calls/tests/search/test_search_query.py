"""Queries: what counts as a word, which queries are understood, and how others are explained."""

from __future__ import annotations

from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.search.dialects import as_match, as_tsquery
from calls.search.query import (
    MAX_DEPTH,
    MAX_TERMS,
    QUERY_LENGTH,
    And,
    Not,
    NotUnderstood,
    Or,
    Term,
    is_grounded,
    parse,
)
from calls.search.words import WORD_LENGTH, split


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Thank you, Ana!", ["thank", "you", "ana"]),
        ("don't e-mail", ["don", "t", "e", "mail"]),
        ("don\u2019t", ["don", "t"]),
        ("Caf\u00e9 cafe\u0301 CAFE", ["cafe", "cafe", "cafe"]),
        ("Stra\u00dfe STRASSE", ["strasse", "strasse"]),
        ("\u0130stanbul", ["istanbul"]),
        ("12.50 and 10:30", ["12", "50", "and", "10", "30"]),
        ("snake_case a/b", ["snake", "case", "a", "b"]),
        ("\uff26\uff55\uff4c\uff4c \ufb01ne \u00bd", ["full", "fine", "1", "2"]),
        ("\u041c\u043e\u0441\u043a\u0432\u0430", ["\u043c\u043e\u0441\u043a\u0432\u0430"]),
        ("my card is [CARD] ok", ["my", "card", "is", "", "ok"]),
        ("[card] [ODD]", ["card", "odd"]),
        ("もう解約します。", ["も", "う", "解", "約", "し", "ま", "す"]),
        ("PC電源 ﾊﾞｽ バス パス", ["pc", "電", "源", "バ", "ス", "バ", "ス", "パ", "ス"]),
        ("ยกเลิก", ["ย", "ก", "เ", "ลิ", "ก"]),
        ("مُحَمَّد محمد أحـمد", ["محمد", "محمد", "احمد"]),
        ("שָׁלוֹם", ["שלום"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("해지 해주세요", ["해지", "해주세요"]),
        ("a㊀", ["a", "一"]),
        ("...", []),
        ("", []),
    ],
)
def test_a_word_is_a_run_of_letters_and_digits_without_case_and_accents(text, words):
    assert [word.text for word in split(text)] == words


def test_a_word_has_its_position_in_the_text():
    text = "Le Cafe\u0301, oui"

    found = [text[word.begin : word.end] for word in split(text)]

    assert found == ["Le", "Cafe\u0301", "oui"]


def test_an_endless_word_is_cut():
    assert [word.text for word in split("x" * 1000)] == ["x" * WORD_LENGTH]


@given(st.text())
def test_words_hold_nothing_but_letters_digits_and_signs_and_are_words_of_themselves(text):
    words = [word.text for word in split(text) if word.text]

    assert all(
        letter.isalnum() or category(letter) in ("Mn", "Mc") for word in words for letter in word
    )
    assert not set("".join(words)) & set(" '\"\\:*&|!()<>")
    assert [again.text for word in words for again in split(word)] == words


A, B, C = Term(("a",)), Term(("b",)), Term(("c",))


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("", None),
        ("   ", None),
        ("a", A),
        ("a b", And((A, B))),
        ("a AND b", And((A, B))),
        ("a OR b", Or((A, B))),
        ("a|b", Or((A, B))),
        ("a or b", And((A, Term(("or",)), B))),
        ("a b OR c", Or((And((A, B)), C))),
        ("a (b OR c)", And((A, Or((B, C))))),
        ("a -b", And((A, Not(B)))),
        ("a NOT b", And((A, Not(B)))),
        ("-b a", And((Not(B), A))),
        ("a - b", And((A, B))),
        ("a-b", Term(("a", "b"))),
        ('"a b"', Term(("a", "b"))),
        ("\u201ca b\u201d", Term(("a", "b"))),
        ('"a b" c', And((Term(("a", "b")), C))),
        ("canc*", Term(("canc",), is_open=True)),
        ('"a canc"*', Term(("a", "canc"), is_open=True)),
        ("a (b OR -c)", And((A, Or((B, Not(C)))))),
        ("解約*", Term(("解", "約"))),
        ("customer:a", Term(("a",), sides="c")),
        ("AGENT:a", Term(("a",), sides="a")),
        ("transcript:a", Term(("a",), sides="ac")),
        ("customer:(a OR summary:b c)", None),
        ('agent:"a b" c', And((Term(("a", "b"), sides="a"), C))),
        ("a -customer:c", And((A, Not(Term(("c",), sides="c"))))),
        ("other:a", Term(("other", "a"))),
        ("a & b", And((A, B))),
        ("a ) (", None),
    ],
)  # fmt: skip
def test_a_query_is_read(text, node):
    if node is None and text.strip():
        with pytest.raises(NotUnderstood):
            parse(text)
    else:
        assert parse(text) == node


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('"a', "quotation mark is not closed"),
        ("(a", "bracket is not closed"),
        ("a)", "closing bracket"),
        ("OR a", "OR needs a word before it"),
        ("a OR", "OR needs a word after it"),
        ("a NOT", "NOT needs a word after it"),
        ("a agent:", "agent: needs a word after it"),
        ("(agent: )", "agent: needs a word after it"),
        ("(a NOT)", "NOT needs a word after it"),
        ("-a", "only excludes words"),
        ("a OR -b", "only excludes words"),
        ("...", "There is no word in it"),
        ("()", "There is no word in it"),
        ("ab*", "at least 3 letters"),
        ("(" * (MAX_DEPTH + 1) + "a", "nested more than"),
        ("-agent:" * (MAX_DEPTH + 1) + "a", "nested more than"),
        ("a " * (MAX_TERMS + 1), "more than 30 words"),
        ("a" * (QUERY_LENGTH + 1), "longer than 300 characters"),
        ("customer:agent:a", "cannot be found where this search looks"),
    ],
)
def test_an_invalid_query_is_explained(text, reason):
    with pytest.raises(NotUnderstood, match=reason):
        parse(text)


def test_a_prefix_can_only_narrow_a_search_of_one_side():
    assert parse("a agent:b", sides="a") == And((Term(("a",), sides="a"), Term(("b",), sides="a")))
    with pytest.raises(NotUnderstood):
        parse("customer:a", sides="a")


PIECES = st.sampled_from(
    ['"', "(", ")", "-", "OR", "AND", "NOT", "|", "*", ":", "agent:", "customer:", "a", "bcd*",
     "e-f", "'", "\\", "&", "!", "<->", "\0", "\u00df", ";", "[CARD]", " "]
)  # fmt: skip


@given(st.lists(PIECES, max_size=12).map("".join) | st.lists(PIECES, max_size=12).map(" ".join))
def test_any_query_is_understood_or_explained(text):
    try:
        node = parse(text)
    except NotUnderstood:
        node = None

    assert node is None or (is_grounded(node) and as_match(node) and as_tsquery(node))
