"""The duration of a call is that of its sound, not the time in which it was received."""

import csv
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from calls.alerts.kinds import KINDS
from calls.alerts.rules import ready
from calls.models import LASTED, AlertRule, Analysis, Call
from calls.tests import one_call
from calls.tests.factories import attempt, claim, ended_call, live_call
from supervisor.templatetags.look import lasted, received_within

pytestmark = pytest.mark.django_db


def call_of(call_id, *, sound_s=None, open_s=3.0, state="ARCHIVED"):
    now = timezone.now()
    return Call.objects.create(
        call_id=call_id,
        state=state,
        opened_at=now - timedelta(seconds=open_s),
        ended_at=None if state == "IN_PROGRESS" else now,
        duration=None if sound_s is None else timedelta(seconds=sound_s),
    )


def listed(client, query):
    return sorted(call["call_id"] for call in client.get(f"/v1/call?{query}").json()["results"])


def test_saving_a_transcript_saves_the_duration_of_the_call():
    ended_call("c-1")
    lease = claim()

    one_call.save_transcript(
        lease, attempt(lease), duration_ms=44_000, turns=[], speech={}, skipped=[], provenance={}
    )

    assert Call.objects.get().duration_ms == 44_000


def test_a_call_without_sound_or_words_keeps_the_duration_of_its_clock():
    call = ended_call("c-1")
    lease = claim()

    one_call.save_transcript(
        lease, attempt(lease), duration_ms=0, turns=[], speech={}, skipped=[], provenance={}
    )

    call.refresh_from_db()
    assert call.duration_ms is None
    assert call.lasted_s(call.ended_at) == call.received_within.total_seconds()


def test_filters_go_by_the_sound_where_its_length_is_known(client, settings):
    settings.API_AUTH = "open"
    call_of("batch", sound_s=600, open_s=3)
    call_of("header-only", sound_s=2, open_s=600)
    call_of("not-heard", open_s=600)
    call_of("live", open_s=600, state="IN_PROGRESS")

    assert listed(client, "duration_min_s=300") == ["batch", "not-heard"]
    assert listed(client, "duration_max_s=300") == ["header-only"]


def test_the_database_and_the_model_compute_the_same_duration():
    for number, sound_s in enumerate([None, 0.004, 44.0, 86_400.0]):
        call_of(f"c-{number}", sound_s=sound_s)

    for call in Call.objects.annotate(lasted=LASTED):
        assert call.lasted.total_seconds() == pytest.approx(call.lasted_s(call.ended_at), abs=1e-3)


def test_the_wallboard_sorts_by_duration(boss):
    for call_id, sound_s in (("short", 2), ("long", 600), ("middle", 60)):
        call_of(call_id, sound_s=sound_s)
    call_of("live", open_s=300, state="IN_PROGRESS")

    page = boss.get("/supervisor/?sort=-duration").content.decode()

    places = [page.index(f'id="call-{name}"') for name in ("long", "live", "middle", "short")]
    assert places == sorted(places)


def test_pages_show_the_sound_and_how_long_it_took_to_receive_it(boss):
    call_of("batch", sound_s=44, open_s=4)

    board = boss.get("/supervisor/").content.decode()
    page = boss.get(reverse("supervisor:call", args=["batch"])).content.decode()

    assert "0:44</span>" in board
    assert 'title="received within 0:04"' in board
    assert "<dt>Length</dt>" in page
    assert "received within 0:04" in page


def test_an_ended_call_without_a_transcript_shows_how_long_it_took_to_receive(boss):
    call_of("c-1", open_s=4, state="COMPLETED")

    page = boss.get(reverse("supervisor:call", args=["c-1"])).content.decode()

    assert "Received within" in " ".join(page.split())


@pytest.mark.parametrize(
    ("sound_s", "within"), [(4.5, ""), (None, ""), (44, "received within 0:04")]
)
def test_equal_times_are_shown_once(sound_s, within):
    call = call_of("c-1", sound_s=sound_s, open_s=4)

    assert received_within(call) == within
    assert lasted(call) == ("0:44" if sound_s == 44 else "0:04")


def test_a_live_call_has_the_duration_of_its_clock():
    call = live_call("c-1")

    assert lasted(call) == received_within(call) == ""
    assert call.lasted_s(call.opened_at + timedelta(seconds=7)) == 7


def test_exports_have_the_duration(client, settings):
    settings.API_AUTH = "open"
    call_of("c-1", sound_s=44)

    text = client.get("/v1/calls.csv").getvalue().decode()

    assert [row["duration_s"] for row in csv.DictReader(text.splitlines())] == ["44"]


def test_a_long_call_that_was_sent_at_once_is_found_when_it_is_analysed():
    rule = AlertRule(name="long", kind="long_call", limit=60)
    call = call_of("c-1", sound_s=61, open_s=3)
    kind = KINDS["long_call"]

    assert list(kind.match_end(ready(rule), call)) == []
    assert len(list(kind.match_analysis(ready(rule), call, None))) == 1
    assert len(list(kind.match_past(ready(rule), call, Analysis()))) == 1


def test_a_call_that_was_open_too_long_is_found_once():
    rule = AlertRule(name="long", kind="long_call", limit=60)
    call = call_of("c-1", sound_s=90, open_s=90)

    assert len(list(KINDS["long_call"].match_past(ready(rule), call, Analysis()))) == 1
