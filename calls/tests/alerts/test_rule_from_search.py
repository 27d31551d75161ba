"""A search becomes the fields of a rule, if a rule can find what it finds."""

from __future__ import annotations

import pytest

from calls.alerts.definition import validate_rule
from calls.alerts.from_search import rule_of
from calls.search.query import parse

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("refund", [("words", "", "refund")]),
        ('"thank you"', [("words", "", "thank you")]),
        ("refund OR cancel*", [("words", "", "refund\ncancel*")]),
        ("customer:(refund OR cancel)", [("words", "customer", "refund\ncancel")]),
        ("customer:a -agent:b", [("words", "customer", "a"), ("not_said", "agent", "b")]),
        ("-sorry refund", [("words", "", "refund"), ("not_said", "", "sorry")]),
        ("transcript:refund", [("words", "", "refund")]),
    ],
)  # fmt: skip
def test_words_of_a_search_are_those_of_a_valid_rule(query, said):
    fields = rule_of(parse(query))

    rule = validate_rule({**fields, "name": query})
    parts = [fields, *rule.conditions]
    assert [(part["kind"], part["speaker"], part["phrases"]) for part in parts] == said


@pytest.mark.parametrize(
    "query",
    [
        "summary:refund",
        "note:refund",
        "refund OR summary:refund",
        "(a b) OR c",
        "a b c d e f",
        "\u8fd4\u91d1",
    ],
)
def test_what_no_rule_can_find_makes_none(query):
    assert rule_of(parse(query)) is None


def test_a_search_without_words_makes_no_rule():
    assert rule_of(None) is None
