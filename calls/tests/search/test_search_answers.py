"""Every query has the same result on SQLite and on PostgreSQL."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from calls.lifecycle import CallState
from calls.models import Call
from calls.search.index import (
    texts_of,
)
from calls.search.query import And, Node, Not, NotUnderstood, Or, Term, parse
from calls.search.words import split
from calls.tests.search.indexed import analysis_of, ask, index

pytestmark = pytest.mark.django_db
# One table for both databases: this file runs on each.
TABLE = [
    ("good", ["mail", "refund"]),
    ("GOOD Morning", ["mail", "refund"]),
    ("refund", ["refund"]),
    ("refunds", ["refund"]),
    ("refund sorry", ["refund"]),
    ("refund cancel", []),
    ("refund OR cancel", ["mail", "refund"]),
    ("good -refund", ["mail"]),
    ("good -nothing", ["mail", "refund"]),
    ("-refund good", ["mail"]),
    ('"thank you"', ["refund"]),
    ('"you thank"', ["mail"]),
    ("thank you", ["mail", "refund"]),
    ('"refund thank you"', ["refund"]),
    ('"help you i want"', []),
    ('"good morning how"', ["refund"]),
    ("refun*", ["refund"]),
    ("canc*", ["mail"]),
    ("cance", []),
    ('"e mai"*', ["mail"]),
    ("e-mail", ["mail"]),
    ("e-mails", ["mail"]),
    ("email", []),
    ("don't", ["mail"]),
    ("don\u2019t", ["mail"]),
    ("dont", []),
    ("i'll", ["mail"]),
    ("12.50", ["mail"]),
    ('"50 12"', []),
    ("cafe", ["odd"]),
    ("CAFE\u0301", ["odd"]),
    ("strasse", ["odd"]),
    ("STRA\u00dfE", ["odd"]),
    ("naive", ["odd"]),
    ("\u043c\u043e\u0441\u043a\u0432\u0430", ["odd"]),
    ("\u041c\u041e\u0421\u041a*", ["odd"]),
    ("\u65e5\u672c", ["odd"]),
    ("x" * 200, ["odd"]),
    ("phone", []),
    ('"is thanks"', []),
    ('"card mail"', []),
    ("card", ["odd"]),
    ("customer:refund", ["refund"]),
    ("agent:refund", []),
    ("agent:refunds", ["refund"]),
    ("customer:thank agent:sorry", ["refund"]),
    ("customer:thank -agent:sorry", ["mail"]),
    ("customer:(refund OR mail)", ["mail", "refund"]),
    ("summary:money", ["refund"]),
    ("transcript:money", []),
    ("money", ["refund"]),
    ('"late delivery"', ["refund"]),
    ('"delivery pay"', []),
    ("good (refund OR -cancel)", ["refund"]),
    ("good -(refund sorry)", ["mail"]),
    ("good -(refund OR cancel)", []),
    ("good -(refund -sorry)", ["mail", "refund"]),
]


@pytest.mark.parametrize(("query", "found"), TABLE)
def test_a_query_finds_its_calls(archive, query, found):
    assert ask(query) == found


@pytest.mark.parametrize(
    ("said", "query", "found"),
    [
        ("もう解約します", "解約", True),
        ("もう解約します", "約解", False),
        ("もう解約します", "解約* もう", True),
        ("解 [CARD] 約", "解約", False),
        ("クレジットｶｰﾄﾞ", "カード", True),
        ("バスで", "パス", False),
        ("我想取消我的合同", "取消 合同", True),
        ("我想取消我的合同", '"取消合同"', False),
        ("ฉันต้องการยกเลิกสัญญา", "ยกเลิก", True),
        ("ฉันต้องการยกเลิกสัญญา", "สัญญาเลิก", False),
        ("أُرِيدُ إِلْغَاءَ العَقْد", "الغاء", True),
        ("اريد الغاء العقد", "إِلْغَاء", True),
        ("मुझे अनुबंध रद्द करना है", "रद्द", True),
        ("मुझे अनुबंध रद्द करना है", "रद", False),
        ("계약을 해지 해주세요", "해지", True),
    ],
)
def test_words_of_every_script_are_found(call_in, said, query, found):
    index(analysis_of(call_in(CallState.ARCHIVED, "call"), ("customer", said)))

    assert ask(query) == ["call"] * found


def test_a_search_can_be_limited_to_a_side(archive):
    assert ask("refund", sides="a") == []
    assert ask("refund", sides="c") == ["refund"]
    assert ask("money", sides="ac") == []
    assert ask("money", sides="s") == ["refund"]


def holds(node: Node, texts: list[tuple[str, list[str]]]) -> bool:
    """Whether these texts match: a reference in plain Python for the databases."""
    match node:
        case Not(term):
            return not holds(term, texts)
        case And(parts):
            return all(holds(part, texts) for part in parts)
        case Or(parts):
            return any(holds(part, texts) for part in parts)
        case Term():
            return any(
                said[:-1] == list(node.words[:-1])
                and (said[-1] == node.words[-1]
                     or (node.is_open and said[-1].startswith(node.words[-1])))
                for side, words in texts
                if side in node.sides
                for at in range(len(words))
                if len(said := words[at : at + len(node.words)]) == len(node.words)
            )  # fmt: skip


WORDS = st.sampled_from(["aaa", "aab", "b", "c", "\u00e9", "[CARD]", "1", "aaa's"])
TEXTS = st.lists(WORDS, max_size=5).map(" ".join)
TURNS = st.lists(st.tuples(st.sampled_from(["agent", "customer"]), TEXTS), max_size=4)
QUERIES = st.lists(
    st.sampled_from(["aaa", "b", "c", "e", "1", '"aaa b"', '"b c"', "aaa's", "aaa*", "-b", "-aaa",
                     "OR", "(", ")", "agent:", "customer:", "summary:", "-(", '"b aaa"*']),
    min_size=1, max_size=8,
).map(" ".join)  # fmt: skip


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(TURNS, TEXTS), min_size=3, max_size=3), QUERIES)
@example([([("agent", "b c")], ""), ([], "b"), ([], "")], "b -( c OR -b )")
def test_the_database_agrees_with_the_reference(call_in, conversations, query):
    try:
        node = parse(query)
    except NotUnderstood:
        return
    calls = [
        Call.objects.filter(call_id=f"c-{at}").first() or call_in(CallState.ARCHIVED, f"c-{at}")
        for at in range(3)
    ]
    analyses = [
        analysis_of(call, *turns, summary=summary)
        for call, (turns, summary) in zip(calls, conversations, strict=True)
    ]
    index(*analyses)

    answer = ask(query)

    assert answer == [
        analysis.call.call_id
        for analysis in analyses
        if holds(node, [(s, [w.text for w in split(text)]) for s, text in texts_of(analysis)])
    ]
