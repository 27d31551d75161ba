"""The index: the same questions have the same answers on SQLite and on PostgreSQL."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from calls import annotations
from calls.analysis.leases import LeaseLost
from calls.analysis.speakers import swap_speakers
from calls.lifecycle import CallState
from calls.models import Analysis, Call, Note, SearchEntry, Stage
from calls.retention.old_calls import prune
from calls.search.find import Search
from calls.search.index import (
    EDITION,
    MAX_PLACES,
    MAX_PLACES_OF_WORD,
    texts_of,
    words_of,
    write_entries,
)
from calls.search.query import And, Node, Not, NotUnderstood, Or, Term, parse
from calls.search.words import split
from calls.services import end_call, reanalyse_call
from calls.tests import one_call
from calls.tests.factories import ANALYSIS, TRANSCRIPT, archived_call, attempt, claim, live_call

pytestmark = pytest.mark.django_db


def turn(speaker: str, text: str, at: int = 0) -> dict:
    return {"speaker": speaker, "begin_ms": at, "end_ms": at + 900, "text": text, "words": [],
            "sentiment": "NEUTRAL", "score": 0.0}  # fmt: skip


def analysis_of(call: Call, *turns: tuple[str, str], summary: str = "", **fields) -> Analysis:
    said = [turn(speaker, text, 1000 * at) for at, (speaker, text) in enumerate(turns)]
    return Analysis(call=call, version=1, turns=said, summary=summary, **fields)


def index(*analyses: Analysis) -> None:
    write_entries(analyses, {each.call_id: words_of(each) for each in analyses})


def ask(query: str, **options) -> list[str]:
    found = Search(Call.objects.all(), parse(query, **options)).matching
    return sorted(found.values_list("call_id", flat=True))


@pytest.fixture
def archive(call_in):
    """Three calls: about a refund, about e-mail, and one with odd words and removed ones."""
    refund = call_in(CallState.ARCHIVED, "refund")
    mail = call_in(CallState.ARCHIVED, "mail")
    odd = call_in(CallState.ARCHIVED, "odd")
    index(
        analysis_of(
            refund,
            ("agent", "Good morning, how can I help you?"),
            ("customer", "I want a refund. Thank you!"),
            ("agent", "I am sorry, refunds take three days."),
            summary="The customer is promised money back.",
            keywords=["late delivery"],
            insights={"next_step": "Pay the money"},
        ),
        analysis_of(
            mail,
            ("agent", "Good morning."),
            ("customer", "Don't e-mail me. You thank nobody."),
            ("agent", "I'll cancel the e-mails, it costs 12.50."),
        ),
        analysis_of(
            odd,
            ("customer", "Caf\u00e9 Stra\u00dfe na\u00efve"),
            ("customer", "\u041c\u043e\u0441\u043a\u0432\u0430 \u65e5\u672c"),
            ("agent", "My number is [PHONE] thanks; card [CARD] mail"),
            ("customer", "x" * 500),
        ),
    )  # fmt: skip
    return refund, mail, odd


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
def test_a_question_has_its_answer(archive, query, found):
    assert ask(query) == found


def test_a_search_can_be_held_to_a_side(archive):
    assert ask("refund", sides="a") == []
    assert ask("refund", sides="c") == ["refund"]
    assert ask("money", sides="ac") == []
    assert ask("money", sides="s") == ["refund"]


def holds(node: Node, texts: list[tuple[str, list[str]]]) -> bool:
    """What a query means, without any database."""
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
def test_the_database_answers_as_the_words_say(call_in, conversations, query):
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


def test_an_entry_is_written_with_the_analysis():
    call = archived_call()

    entry = SearchEntry.objects.get()

    assert (entry.call, entry.version, entry.edition) == (call, 1, EDITION)
    assert ask("agent:hello") == [call.call_id]
    assert ask('summary:"a call"') == [call.call_id]


def test_a_refused_finding_changes_no_entry():
    call = archived_call()
    reanalyse_call(call_id=call.call_id, by="ann")
    lease = claim()
    transcript = one_call.save_transcript(lease, attempt(lease), **TRANSCRIPT)
    tried = attempt(lease, Stage.UNDERSTAND)
    Call.objects.update(lease_owner="other", lease_token=99)
    said = {**ANALYSIS, "turns": [turn("agent", "Goodbye.")]}

    with pytest.raises(LeaseLost):
        one_call.archive(lease, tried, transcript=transcript, headline={}, **said)

    assert ask("hello") == [call.call_id]
    assert ask("goodbye") == []


def test_a_new_analysis_replaces_what_the_old_one_said():
    call = archived_call()
    reanalyse_call(call_id=call.call_id, by="ann")
    lease = claim()
    transcript = one_call.save_transcript(lease, attempt(lease), **TRANSCRIPT)
    said = {**ANALYSIS, "turns": [turn("agent", "Goodbye.")]}
    tried = attempt(lease, Stage.UNDERSTAND)
    one_call.archive(lease, tried, transcript=transcript, headline={}, **said)

    assert ask("hello") == []
    assert ask("goodbye") == [call.call_id]
    assert SearchEntry.objects.get().version == 2


def test_a_note_is_found_with_what_was_said_until_it_is_deleted():
    call = archived_call()
    note = annotations.add_note(call_id=call.call_id, text="Promised a voucher.", by="ann")
    annotations.add_note(call_id=call.call_id, text="Sent it.", by="bob")

    assert ask("agent:hello note:voucher") == [call.call_id]
    assert ask("note:hello OR agent:voucher") == []
    assert ask('"voucher sent"') == []  # two notes
    assert ask("hello -voucher") == []

    annotations.delete_note(call_id=call.call_id, note_id=note.pk, by="ann")

    assert ask("voucher") == []
    assert ask("hello sent") == [call.call_id]


def test_a_note_on_a_call_that_is_not_analysed_is_found_and_stays_with_the_analysis():
    call = live_call()
    note = annotations.add_note(call_id=call.call_id, text="Promised a voucher.", by="ann")
    assert ask("voucher") == [call.call_id]

    end_call(call_id=call.call_id)
    lease = claim()
    transcript = one_call.save_transcript(lease, attempt(lease), **TRANSCRIPT)
    tried = attempt(lease, Stage.UNDERSTAND)
    one_call.archive(lease, tried, transcript=transcript, headline={}, **ANALYSIS)

    assert ask("agent:hello note:voucher") == [call.call_id]
    annotations.delete_note(call_id=call.call_id, note_id=note.pk, by="ann")
    assert ask("voucher") == []


def test_a_call_whose_only_note_is_deleted_has_no_entry():
    call = live_call()
    note = annotations.add_note(call_id=call.call_id, text="Promised a voucher.", by="ann")

    annotations.delete_note(call_id=call.call_id, note_id=note.pk, by="ann")

    assert not SearchEntry.objects.exists()


def test_a_note_is_found_without_what_is_personal_in_it():
    call = live_call()
    annotations.add_note(call_id=call.call_id, text="Mail jane.doe@example.com a voucher.")

    assert ask("note:voucher") == [call.call_id]
    assert ask("jane OR doe OR example") == []


def test_a_note_that_is_not_stored_is_not_found():
    call = archived_call()

    with transaction.atomic():
        annotations.add_note(call_id=call.call_id, text="Promised a voucher.", by="ann")
        transaction.set_rollback(True)

    assert ask("voucher") == []
    assert ask("hello") == [call.call_id]


def test_swapping_the_speakers_keeps_the_notes():
    call = archived_call()
    annotations.add_note(call_id=call.call_id, text="Promised a voucher.", by="ann")

    swap_speakers(call_id=call.call_id, swapped=True, by="ann")

    assert ask("customer:hello voucher") == [call.call_id]


def test_calls_with_as_many_notes_as_there_can_be_are_found(call_in):
    call = call_in(CallState.ARCHIVED, "odd")
    odd = "\u042f\u65e5" * 20
    said = analysis_of(call, *[("agent", f"{odd} {n} word{n}") for n in range(MAX_PLACES)])
    call.notes.bulk_create(
        Note(call=call, text=" ".join(f"{odd}{n}x{m}" for m in range(90))) for n in range(200)
    )
    index(said)

    assert ask(f"note:{odd}1x1 word1") == ["odd"]


def test_a_deleted_call_is_found_no_more():
    call = archived_call("gone")
    stays = archived_call("stays")

    call.delete()

    assert ask("hello") == [stays.call_id]
    assert SearchEntry.objects.count() == 1


def test_retention_takes_the_words_as_well(settings):
    from datetime import timedelta

    archived_call()

    pruned = prune(calls_older_than=timedelta(0))

    assert pruned.calls == 1
    assert ask("hello") == []
    assert not SearchEntry.objects.exists()


@pytest.mark.skipif(connection.vendor != "sqlite", reason="looks into FTS5")
def test_sqlite_finds_its_index_in_order(archive):
    index(analysis_of(archive[0], ("agent", "new")))
    archive[1].delete()

    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO calls_fulltext (calls_fulltext, rank) VALUES ('integrity-check', 1)"
        )

    assert ask("new") == ["refund"]


def test_a_call_without_end_is_indexed_as_far_as_phrases_go(call_in):
    call = call_in(CallState.ARCHIVED, "long")
    often = "so " * MAX_PLACES_OF_WORD + "very so last. "
    many = " ".join(f"word{n}" for n in range(MAX_PLACES))
    index(analysis_of(call, ("agent", often), ("agent", many), ("agent", "the end [CARD] of it")))

    assert ask('"so very"') == ["long"]
    assert ask('"very so"') == []  # the 256th "so"
    assert ask("agent:last") == ["long"]
    assert ask('"word1 word2"') == ["long"]
    assert ask("end it") == ["long"]  # beyond the places, but words all the same
    assert ask('"the end"') == []
    assert ask(f"word{MAX_PLACES - 1}") == ["long"]


def test_a_call_of_a_million_odd_words_breaks_nothing(call_in):
    call = call_in(CallState.ARCHIVED, "odd")
    odd = "\u042f\u65e5" * 20
    words = " ".join(f"{odd}{n}" for n in range(30_000))
    index(analysis_of(call, ("customer", words), ("agent", "hello")))

    assert ask(f"{odd}1") == ["odd"]


@pytest.mark.parametrize("few", [1, 1000])
def test_pages_follow_each_other_newest_first(call_in, monkeypatch, few):
    calls = [call_in(CallState.ARCHIVED, f"c-{n}") for n in range(5)]
    index(*(analysis_of(call, ("agent", "hello")) for call in calls))
    monkeypatch.setattr("calls.search.find.FEW", few)
    search = Search(Call.objects.all(), parse("hello"))

    first = search.read_page(size=2)
    second = search.read_page(size=2, before=first.next)
    third = search.read_page(size=2, before=second.next)

    pages = [[found.call.call_id for found in page.found] for page in (first, second, third)]
    assert pages == [["c-4", "c-3"], ["c-2", "c-1"], ["c-0"]]
    assert third.next is None


@pytest.mark.parametrize("few", [1, 1000])
def test_the_count_stops_at_its_limit(call_in, monkeypatch, few):
    calls = [call_in(CallState.ARCHIVED, f"c-{n}") for n in range(4)]
    index(*(analysis_of(call, ("agent", "hello")) for call in calls))

    monkeypatch.setattr("calls.search.find.FEW", few)
    search = Search(Call.objects.all(), parse("hello"))

    assert search.count(limit=2) == 3
    assert search.count(limit=10) == 4


def test_a_page_takes_as_many_queries_however_long_it_is(django_assert_num_queries):
    for _ in range(4):
        archived_call()

    with django_assert_num_queries(4 if connection.vendor == "postgresql" else 3):
        page = Search(Call.objects.all(), parse("hello")).read_page(size=20)

    assert [found.hits.count for found in page.found] == [1, 1, 1, 1]


def test_everything_is_read_in_blocks(monkeypatch):
    for _ in range(3):
        archived_call()
    monkeypatch.setattr("calls.search.find.CALLS_AT_ONCE", 2)

    blocks = list(Search(Call.objects.all(), parse("hello")).read_all())

    assert [len(block) for block in blocks] == [2, 1]


def test_without_words_calls_are_listed_with_their_summary(call_in):
    archived_call("told")
    call_in(CallState.FAILED, "untold")

    page = Search(Call.objects.all(), None).read_page(size=10)

    shown = {found.call.call_id: found.opening.text for found in page.found}
    assert shown == {"told": "A call.", "untold": ""}
