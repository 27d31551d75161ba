"""Users limited to a team see nothing of the others: on pages, in counts, searches and files."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from calls.actions.bulk import start_bulk
from calls.events.people import PeopleChanged
from calls.holds.services import set_hold
from calls.models import Alert, BulkItem, Call, CallEvent, Team
from calls.people.agents import announce, find_agent
from calls.services import describe_call
from calls.visibility import EVERYTHING, NOTHING, Sight, looking_as, sight_of, visible_calls
from supervisor.figures import read_figures
from supervisor.live.batch import Counters, read_batch
from supervisor.tests.rights.floor import grant, make_floor

pytestmark = pytest.mark.django_db


@pytest.fixture
def floor():
    return make_floor()


@pytest.fixture
def as_role(client, floor):
    def log_in(role):
        user = floor.users[role] if isinstance(role, str) else role
        client.force_login(user, "django.contrib.auth.backends.ModelBackend")
        return client

    return log_in


def body(response):
    if response.streaming:
        return b"".join(response.streaming_content).decode()
    return response.content.decode()


LISTS = [
    "/supervisor/", "/supervisor/rows", "/supervisor/rows?id=c-other&id=c-own",
    "/supervisor/calls.csv", "/supervisor/?q=c-", "/supervisor/?agent=Bob",
    "/supervisor/?queue=Billing", "/supervisor/?sort=agent", "/supervisor/alerts/",
    "/supervisor/alerts/trends/", "/supervisor/alerts/?show=all", "/supervisor/agents/",
    "/supervisor/agent/?name=Ann", "/supervisor/queues/", "/supervisor/search/?state=IN_PROGRESS",
    "/supervisor/search/?q=angry", "/supervisor/wall/", "/supervisor/calls/c-own/",
    "/v1/call", "/v1/calls.csv", "/v1/alerts", "/v1/alerts.csv", "/v1/search?state=IN_PROGRESS",
    "/v1/search.csv", "/v1/reports/agents", "/v1/reports/agents.csv", "/v1/reports/queues",
    "/v1/events?limit=500", "/supervisor/days/", "/supervisor/days/?days=90",
    "/supervisor/search/?state=IN_PROGRESS&chart=1", "/supervisor/queue/?name=Sales",
]  # fmt: skip


@pytest.mark.parametrize("role", ["Supervisor", "Agent"])
@pytest.mark.parametrize("path", LISTS)
def test_nothing_of_another_team_is_shown(as_role, settings, path, role):
    settings.API_AUTH = "key"
    response = as_role(role).get(path)

    assert response.status_code == 200
    page = body(response).replace("agent=Bob", "").replace("queue=Billing", "")
    page = page.replace('value="Bob"', "").replace('value="Billing"', "").replace('title="Bob"', "")
    for word in ("Bob", "c-other"):
        assert word not in page


ADDRESSES = [
    "", "sort=agent", "search?state=IN_PROGRESS", "alerts?show=all", "alerts?", "days?",
    "agent?name=Bob", "agent?name=Ann", "queue?name=Billing", "queue?name=Sales",
]  # fmt: skip


@pytest.mark.parametrize("role", ["Supervisor", "Agent"])
@pytest.mark.parametrize("address", ADDRESSES)
def test_no_list_leads_on_to_a_call_of_another_team(as_role, role, address):
    page = as_role(role).get("/supervisor/calls/c-own/", {"list": address})

    assert page.status_code == 200
    assert (page.context["previous_call"], page.context["next_call"]) == (None, None)


def test_lists_lead_on_to_the_calls_of_all_teams_for_those_who_see_them(as_role):
    for address in ("", "search?state=IN_PROGRESS", "alerts?show=all", "days?"):
        page = as_role("Quality").get("/supervisor/calls/c-own/", {"list": address})

        beside = [page.context["previous_call"], page.context["next_call"]]
        assert [call.call_id for call in beside if call] == ["c-other"], address


def test_the_chart_of_a_search_counts_what_is_seen(as_role):
    address = "/supervisor/search/?state=IN_PROGRESS&chart=1"

    of_team = as_role("Supervisor").get(address).context["search"].over_time
    of_all = as_role("Quality").get(address).context["search"].over_time

    assert sum(bar.calls for bar in of_team.bars) == 1
    assert sum(bar.calls for bar in of_all.bars) == 2


def test_the_days_of_the_site_count_what_is_seen(as_role):
    page = as_role("Supervisor").get("/supervisor/days/").context["page"]

    assert page.total.calls == 1
    assert page.total.alerts == 1
    assert [share.name for share in (*page.queues, *page.agents)] == ["Sales", "Ann"]


def test_a_search_or_all_matching_selects_only_what_is_seen(as_role):
    for form in (
        {"scope": "all"},
        {"scope": "all", "query": "?queue=Billing"},
        {"scope": "all", "list": "search?q=angry"},
        {"call": ["c-other"], "list": "search?q=angry"},
    ):
        answer = as_role("Supervisor").post("/supervisor/bulk/ask/", {"action": "tag", **form})

        shown = answer.context["question"].sample if answer.context else []
        assert [call.call_id for call in shown] in ([], ["c-own"]), form


@pytest.mark.parametrize("path", ["/supervisor/", "/v1/call", "/v1/calls.csv", "/v1/search.csv"])
def test_users_who_see_all_teams_find_both_calls(as_role, settings, path):
    settings.API_AUTH = "key"
    page = body(as_role("Quality").get(path))

    assert "c-own" in page
    assert "c-other" in page


def test_figures_count_what_is_seen(floor):
    with looking_as(floor.users["Supervisor"]):
        mine = read_figures()

    assert (mine.live, mine.open_alerts) == (1, 1)
    assert read_figures().live == 2


def test_the_charts_of_the_whole_site_are_left_out(as_role):
    assert as_role("Supervisor").get("/supervisor/history").context["history"] == []


def test_reports_by_day_count_what_is_seen(as_role, settings):
    settings.API_AUTH = "key"
    answer = as_role("Supervisor").get("/v1/reports/days").json()

    assert sum(day["calls"] for day in answer["results"]) == 1


def test_many_alerts_are_acknowledged_only_where_they_are_seen(as_role, floor):
    form = {"confirmed": "1", "alert": [floor.own_alert.pk, floor.other_alert.pk]}

    as_role("Supervisor").post("/supervisor/alerts/acknowledge/", form)

    assert list(Alert.objects.filter(acknowledged_at=None)) == [floor.other_alert]


def test_a_bulk_action_selects_only_what_is_seen(as_role):
    form = {"action": "end", "call": ["c-own", "c-other"]}

    question = as_role("Supervisor").post("/supervisor/bulk/ask/", form).context["question"]

    assert question.total == 1
    assert [call.call_id for call in question.sample] == ["c-own"]


def test_a_bulk_action_refuses_a_call_that_is_out_of_sight_by_then(floor):
    start_bulk(kind="end", call_ids=["c-own", "c-other"], by="Supervisor")

    outcomes = dict(BulkItem.objects.values_list("call_id", "outcome"))
    assert outcomes == {"c-own": "done", "c-other": "refused"}
    assert Call.objects.get(call_id="c-other").is_live


def test_the_actions_of_others_are_not_listed(as_role):
    start_bulk(kind="tag", call_ids=["c-other"], by="Quality", tag="secret plan")

    assert "secret plan" not in body(as_role("Supervisor").get("/supervisor/bulk/"))


def test_an_alert_is_not_assigned_to_somebody_who_may_not_see_it(as_role, floor):
    as_role("Quality").post(
        f"/supervisor/alerts/{floor.other_alert.pk}/assign/", {"to": "Supervisor"}
    )

    floor.other_alert.refresh_from_db()
    assert floor.other_alert.assigned_to == ""


def test_no_list_of_the_admin_shows_a_call_of_another_team(as_role, floor):
    user = floor.users["Supervisor"]
    user.is_staff = True
    user.save()
    views = Permission.objects.filter(codename__startswith="view_").exclude(
        codename="view_all_calls"
    )
    user.user_permissions.set([*views, Permission.objects.get(codename="view_unredacted")])
    client = as_role(User.objects.get(pk=user.pk))

    for model in admin.site._registry:
        if model._meta.app_label != "calls" or model._meta.model_name in ("agent", "team"):
            continue
        try:
            page = body(client.get(reverse(f"admin:calls_{model._meta.model_name}_changelist")))
        except NoReverseMatch:
            continue
        assert "c-other" not in page, model
    assert client.get(f"/admin/calls/call/{floor.other.pk}/change/").status_code == 302


# What is seen, as a value.


def test_a_site_without_teams_shows_every_call():
    user = grant(User.objects.create(username="ann"), "view_call")

    assert sight_of(user) == EVERYTHING


def test_without_a_team_nothing_is_seen_once_there_are_teams(floor):
    user = grant(User.objects.create(username="ann"), "view_call")

    assert sight_of(user) == NOTHING
    assert not visible_calls(user).exists()


def test_an_agent_without_a_linked_account_sees_nothing_even_without_teams():
    user = grant(User.objects.create(username="ann"), "view_call", "view_own_calls")

    assert sight_of(user) == NOTHING


def test_a_call_without_an_agent_is_seen_by_the_team_of_its_queue(floor):
    Call.objects.create(call_id="waiting", queue="Sales")
    Call.objects.create(call_id="elsewhere", queue="Billing")

    seen = visible_calls(floor.users["Supervisor"])

    assert set(seen.values_list("call_id", flat=True)) == {"c-own", "waiting"}


def test_a_team_that_is_deleted_shows_nothing_any_more(floor):
    Team.objects.get(name="Sales").delete()

    assert sight_of(floor.users["Supervisor"]) == NOTHING


SALES = Sight(frozenset({"Ann"}), frozenset({"Sales"}))


@pytest.mark.parametrize(
    ("agent", "queue", "is_seen"),
    [
        ("Ann", "", True), ("Ann", "Billing", True), ("Bob", "Sales", False),
        ("", "Sales", True), ("", "Billing", False), ("", "", False), ("ann", "", False),
    ],
)  # fmt: skip
def test_memory_and_database_agree_on_what_is_seen(agent, queue, is_seen):
    Call.objects.create(call_id="c-1", agent=agent, queue=queue)

    assert SALES.covers(agent, queue) is is_seen
    assert SALES.of(Call.objects.all()).exists() is is_seen


# The feed.


def types_of(batch):
    return [
        (entry.type, entry.event.call.call_id if entry.event else None) for entry in batch.entries
    ]


def test_the_feed_sends_the_events_of_calls_in_sight_and_the_position(floor):
    batch = read_batch(0)

    seen = batch.seen_with(SALES)

    assert {call for _, call in types_of(seen) if call} == {"c-own"}
    assert seen.entries[-1].offset == batch.last
    assert b"c-other" not in seen.frames


def test_batches_are_made_once_for_all_clients_with_the_same_sight(floor):
    batch = read_batch(0)

    assert batch.seen_with(SALES) is batch.seen_with(
        Sight(frozenset({"Ann"}), frozenset({"Sales"}))
    )
    assert batch.seen_with(EVERYTHING) is batch


def test_a_call_that_moves_to_another_team_disappears_from_the_board(floor):
    head = CallEvent.objects.latest("pk").pk

    describe_call(call_id="c-own", agent="Bob")

    seen = read_batch(head).seen_with(SALES)
    assert [entry.type for entry in seen.entries] == ["call_hidden"]
    assert b'"agent"' not in seen.frames
    assert b"Bob" not in seen.frames


def test_counters_are_those_of_calls_in_sight():
    rows = [{"call_id": name, "agent": name, "queue": ""} for name in ("Ann", "Bob")]

    seen = Counters(rows, "now").seen_with(SALES)

    assert b"Ann" in seen.frames
    assert b"Bob" not in seen.frames
    assert Counters(rows[1:], "now").seen_with(SALES).entries == []


def test_open_feeds_are_told_that_people_changed(floor):
    head = CallEvent.objects.latest("pk").pk

    announce()

    batch = read_batch(head)
    assert batch.changes_people
    assert [entry.type for entry in batch.entries] == [PeopleChanged.type]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="asks PostgreSQL for its plan")
def test_the_newest_calls_of_a_team_are_found_along_an_index():
    now = timezone.now()
    Call.objects.bulk_create(
        Call(call_id=f"n-{at}", agent=f"agent {at % 500}", opened_at=now - timedelta(minutes=at))
        for at in range(20_000)
    )
    find_agent("agent 1")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE calls_call")
    rare = Sight(frozenset({"agent 1", "agent 2"}), frozenset({"Sales"}))

    plan = rare.of(Call.objects.all()).order_by("-id")[:50].explain()

    assert "Seq Scan on calls_call" not in plan


def test_the_admin_lists_only_the_holds_of_calls_in_sight(as_role, floor):
    user = grant(floor.users["Supervisor"], "view_legalhold", "hold_call")
    User.objects.filter(pk=user.pk).update(is_staff=True)
    set_hold(call_id="c-own", reason="Case 1", by="ana")
    set_hold(call_id="c-other", reason="Case 2", by="ana")
    client = as_role(User.objects.get(pk=user.pk))

    page = client.get(reverse("admin:calls_legalhold_changelist")).content.decode()
    refused = client.post(
        reverse("admin:calls_legalhold_add"),
        {"held_call": "c-other", "held_number": "", "reason": "Case 3"},
    )

    assert "Case 1" in page
    assert "Case 2" not in page
    assert "There is no call c-other." in refused.content.decode()
