"""Bulk actions from the wallboard: the confirmation, the work, and the report."""

from __future__ import annotations

import re
import uuid

import pytest
from django.urls import reverse

from calls import services
from calls.actions import bulk
from calls.annotations import add_tag
from calls.holds.services import hold_customer
from calls.lifecycle import CallState
from calls.models import BulkAction, Call, CallEvent, LegalHold, Stage
from calls.tests.factories import failed_call, live_call
from supervisor.tests.factories import analysed_call, shown, text_of

pytestmark = pytest.mark.django_db

ASK, BULKS = reverse("supervisor:bulk-ask"), reverse("supervisor:bulks")
BOARD = reverse("supervisor:board")


def ask(client, action, **form):
    return client.post(ASK, {"action": action, **form}, follow=True)


def answer(client, question, **changes):
    """Send the form of a question, as a browser does."""
    html = question.content.decode()
    form = html[html.index(f'action="{BULKS}"') :]
    fields: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form):
        if name != "csrfmiddlewaretoken":
            fields.setdefault(name, []).append(value.replace("&amp;", "&"))
    return client.post(BULKS, {**fields, **changes}, follow=True)


def test_the_question_says_which_calls_in_which_states_and_does_nothing(operator):
    calls = [live_call(), live_call(), failed_call()]

    page = ask(operator, "end", scope="chosen", call=[call.call_id for call in calls])

    text = text_of(page)
    assert "3 selected calls" in text
    assert "Live 2 will be ended" in text
    assert "Failed 1 skipped: not possible in this state" in text
    assert "End 2 calls" in text
    assert Call.objects.live().count() == 2
    assert not BulkAction.objects.exists()


def test_selected_calls_are_ended_and_refusals_are_listed_with_their_reason(operator):
    calls = [live_call(), live_call(), failed_call("failed")]

    question = ask(operator, "end", scope="chosen", call=[call.call_id for call in calls])
    page = answer(operator, question)

    text = text_of(page)
    assert "Done 2 Refused 1 Not reached 0" in text
    assert "1 call: A call that is failed cannot be ended." in text
    assert "3 selected calls. Requested by ana" in text
    assert BulkAction.objects.get().query == ""
    ended = CallEvent.objects.filter(state="COMPLETED", data__reason="operator")
    assert [event.data["by"] for event in ended] == ["ana", "ana"]


def test_dismissed_calls_leave_the_failed_tab(operator):
    failed, live = failed_call("failed"), live_call("live")
    retried = failed_call("retried")

    chosen = [failed.call_id, live.call_id, retried.call_id]
    question = ask(operator, "dismiss", scope="chosen", call=chosen)
    assert "Failed 2 will no longer count as failed" in text_of(question)
    assert "Live 1 skipped: not possible in this state" in text_of(question)
    services.retry_call(call_id="retried")
    page = answer(operator, question)

    assert "Done 1 Refused 2 Not reached 0" in text_of(page)
    assert "A call that is waiting for AI cannot be dismissed." in text_of(page)
    assert shown(operator.get(BOARD, {"state": "FAILED"})) == []
    assert shown(operator.get(BOARD, {"state": "DISMISSED"})) == ["failed"]
    assert CallEvent.objects.get(type="call_dismissed").data["by"] == "ana"


def test_all_matching_means_every_page_of_the_filter_but_no_call_that_matches_later(operator):
    for number in range(3):
        add_tag(call_id=failed_call(f"old-{number}").call_id, name="outage")
    failed_call("other")

    query = "?tag=outage&rows=50&before=1"
    question = ask(operator, "retry", scope="all", query=query)
    assert "All 3 calls that match the filter: tag is outage" in text_of(question)
    add_tag(call_id=failed_call("late").call_id, name="outage")
    add_tag(call_id="other", name="outage")  # matches only now
    page = answer(operator, question)

    assert "Queued 3 Refused 0" in text_of(page)
    assert "3 calls that matched the filter ." in text_of(page)
    assert "3 calls wait for analysis: follow them on the wallboard" in text_of(page)
    link = f"?bulk={BulkAction.objects.get().pk}"
    assert f'href="{BOARD}{link}"' in page.content.decode()
    assert shown(operator.get(BOARD + link)) == ["old-2", "old-1", "old-0"]
    assert BulkAction.objects.get().query == "?tag=outage"
    still_failed = Call.objects.filter(state=CallState.FAILED).values_list("call_id", flat=True)
    assert set(still_failed) == {"other", "late"}


def test_a_stage_is_chosen_and_a_tag_is_given(operator):
    call = analysed_call()

    question = ask(operator, "reanalyse", scope="all")
    assert "this includes every call" in text_of(question)
    answer(operator, question, stage="understand")
    tagged = answer(operator, ask(operator, "tag", scope="chosen", call=[call.call_id]), tag="VIP")

    call.refresh_from_db()
    assert (call.first_stage, call.tags.get().name) == (Stage.UNDERSTAND, "vip")
    assert "tag vip" in text_of(tagged)


def test_an_invalid_tag_is_asked_for_again_with_the_rule(operator):
    question = ask(operator, "tag", scope="chosen", call=[live_call().call_id])

    page = answer(operator, question, tag="a,b")

    assert page.status_code == 400
    assert "A tag is 1 to 50 characters" in text_of(page)
    assert 'name="tag"' in page.content.decode()


@pytest.fixture
def keeper(visitor):
    """Somebody who may hold calls, and nothing else."""
    return visitor("view_call", "hold_call")


def test_calls_are_put_on_hold_with_a_reason_and_released_by_who_may_hold(keeper):
    calls = [live_call("live").call_id, failed_call("failed").call_id]
    assert 'form="bulk"' in keeper.get(BOARD).content.decode()

    question = ask(keeper, "hold", scope="chosen", call=calls)
    assert "Put 2 calls on hold" in text_of(question)
    held = answer(keeper, question, reason=" Case  4711 ")

    assert "Done 2 Refused 0 Not reached 0" in text_of(held)
    assert "reason: Case 4711" in text_of(held)
    assert set(LegalHold.objects.active().values_list("reason", "set_by")) == {("Case 4711", "ana")}
    assert "Case 4711" in text_of(keeper.get(BULKS))

    released = answer(keeper, ask(keeper, "release", scope="chosen", call=calls[:1]))
    assert "Done 1 Refused 0" in text_of(released)
    assert LegalHold.objects.active().get().call.call_id == "failed"


def test_a_hold_without_a_reason_is_asked_for_again_with_the_rule(keeper):
    question = ask(keeper, "hold", scope="chosen", call=[live_call().call_id])

    page = answer(keeper, question, reason=" ")

    assert page.status_code == 400
    assert "A reason has 1 to 300 characters." in text_of(page)
    assert 'name="reason"' in page.content.decode()


def test_a_hold_on_the_customer_is_not_released_call_by_call_and_the_report_says_so(keeper):
    call = live_call("c-1")
    Call.objects.filter(pk=call.pk).update(caller="+49 30 1234")
    hold_customer(number="004930-1234", reason="Case 1")

    page = answer(keeper, ask(keeper, "release", scope="chosen", call=["c-1"]))

    assert "all calls of its customer are on hold" in text_of(page)


def test_people_see_and_may_start_only_permitted_actions(keeper, client):
    call = live_call()
    offered = re.findall(r'<option value="(\w+)">', keeper.get(BOARD).content.decode())
    assert {"hold", "release"} <= set(offered)
    assert not {"end", "delete"} & set(offered)

    form = {"action": "end", "scope": "chosen", "call": [call.call_id], "token": uuid.uuid4()}
    assert [keeper.post(address, form).status_code for address in (ASK, BULKS)] == [403, 403]


def test_too_many_are_refused_before_and_after_the_question(operator, monkeypatch):
    calls = [live_call() for _ in range(3)]
    question = ask(operator, "end", scope="all")
    for module in ("calls.actions.bulk.LIMIT", "supervisor.bulk.read_model.LIMIT"):
        monkeypatch.setattr(module, 2)

    refused, page = answer(operator, question), ask(operator, "end", scope="all")

    assert refused.status_code == 400
    assert "at most 2 calls" in text_of(page)
    assert f'action="{BULKS}"' not in page.content.decode()
    assert Call.objects.live().count() == len(calls)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"action": "end", "scope": "chosen"}, "Select at least one call."),
        ({"action": "explode", "scope": "all"}, "Choose an action."),
        (
            {"action": "end", "scope": "chosen", "call": ["nowhere", "a\0b"]},
            "Select at least one call.",
        ),
    ],
)
def test_an_empty_selection_redirects_to_the_board(operator, form, said):
    page = operator.post(ASK, form, follow=True)

    assert page.redirect_chain[0][0] == BOARD
    assert said in text_of(page)


@pytest.mark.parametrize(
    "changes", [{"token": "x"}, {"action": "explode"}, {"action": "reanalyse", "stage": "x"}]
)
def test_a_forged_form_is_a_bad_request(operator, changes):
    call = live_call()
    form = {"action": "end", "scope": "chosen", "call": [call.call_id], "token": uuid.uuid4()}

    assert operator.post(BULKS, {**form, **changes}).status_code == 400
    assert Call.objects.live().count() == 1


def test_a_form_sent_twice_acts_once(operator):
    question = ask(operator, "end", scope="chosen", call=[live_call().call_id])

    pages = [answer(operator, question) for _ in range(2)]

    assert pages[0].redirect_chain == pages[1].redirect_chain
    assert BulkAction.objects.count() == 1


def test_a_long_action_shows_its_progress_and_can_be_stopped(operator):
    calls = [live_call().call_id for _ in range(bulk.AT_ONCE + 5)]
    page = answer(operator, ask(operator, "end", scope="all"))
    action = BulkAction.objects.get()
    assert "Running: 0 of 30" in text_of(page)
    assert "data-running" in page.content.decode()

    bulk.carry_on(action.pk, should_stop=iter([False] * 4 + [True]).__next__)
    page = operator.post(reverse("supervisor:bulk-stop", args=[action.pk]), follow=True)

    assert "Stopped by ana" in text_of(page)
    assert "Done 4 Refused 0 Not reached 26" in text_of(page)
    assert "data-running" not in page.content.decode()
    assert Call.objects.live().count() == len(calls) - 4
    assert "End calls 30 4 0 ana" in text_of(operator.get(BULKS))


def test_a_viewer_cannot_select_calls(supervisor):
    call = live_call()
    action = bulk.start_bulk(kind="tag", call_ids=[call.call_id], by="ann", tag="vip")

    board = supervisor.get(BOARD).content.decode()

    assert 'class="pick"' not in board
    assert 'id="bulk"' not in board
    answers = [
        supervisor.post(ASK, {"action": "end", "scope": "all"}),
        supervisor.post(BULKS, {"action": "end", "scope": "all", "token": uuid.uuid4()}),
        supervisor.get(reverse("supervisor:bulk", args=[action.pk])),
        supervisor.post(reverse("supervisor:bulk-stop", args=[action.pk])),
        supervisor.get(BULKS),
    ]
    assert [answer.status_code for answer in answers] == [403] * 5
    assert Call.objects.live().count() == 1


def test_an_unknown_action_is_not_found(operator):
    for number in (7, 10**30):
        assert operator.get(reverse("supervisor:bulk", args=[number])).status_code == 404
        assert operator.post(reverse("supervisor:bulk-stop", args=[number])).status_code == 404


def test_an_operator_can_select_rows_and_changed_rows_stay_selectable(operator):
    call = live_call()

    board = operator.get(BOARD).content.decode()
    rows = operator.get(reverse("supervisor:rows"), {"id": call.call_id}).content.decode()

    for html in (board, rows):
        assert f'value="{call.call_id}" form="bulk"' in html


def test_every_row_of_the_longest_page_can_be_selected(operator):
    Call.objects.bulk_create(Call(call_id=f"row-{number}") for number in range(500))
    chosen = [f"row-{number}" for number in range(500)]

    page = ask(operator, "end", scope="chosen", call=chosen)

    assert "500 selected calls" in text_of(page)
