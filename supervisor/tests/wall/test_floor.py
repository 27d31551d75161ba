"""The figures of the floor, their levels, and the rows of calls."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from calls.lifecycle import CallState
from calls.models import Call, Customers, QueueThreshold
from supervisor.tests.wall.floors import alert, call, full_floor, hear
from supervisor.wall.calls import mask, read_calls
from supervisor.wall.floor import Floor, Handled, QueueFigures, read_floor, total
from supervisor.wall.levels import Levels, Thresholds, read_thresholds, worst
from supervisor.wall.options import Options
from supervisor.wall.read_model import read_screen

pytestmark = pytest.mark.django_db
NOW = timezone.now()
# Open calls, alerts, calls of today; limits; and for the calls: alerting, longest, details.
QUERIES = 7


def screen_of(options=None):
    options = options or Options()
    return read_screen(options, read_floor(timezone.now()), read_thresholds())


def page(screen, kind):
    return [each for each in screen.pages if each.kind == kind]


def test_the_figures_of_a_queue_count_what_is_going_on():
    long = call("a", minutes=12, customer_sentiment="NEGATIVE")
    call("b", customer_sentiment="POSITIVE")
    call("c", state=CallState.COMPLETED, duration=timedelta(seconds=90))
    failed = call("d", state=CallState.FAILED, duration=timedelta(seconds=30))
    call("e", state=CallState.FAILED, duration=timedelta(seconds=60), dismissed_at=NOW)
    call("f", "retention")
    alert(long, 3)
    alert(failed, 1)
    alert(failed, 3, acknowledged_at=NOW)

    found = read_floor(timezone.now()).of("billing")

    assert (found.live, found.negative, found.negative_share) == (2, 1, 50)
    assert (found.waiting, found.failed) == (1, 1)
    assert (found.critical, found.warning, found.notice) == (1, 0, 1)
    assert (found.alerts, found.worst_alert) == (2, "critical")
    assert found.oldest_at == long.opened_at
    assert found.handled == Handled(3, timedelta(seconds=180))
    assert found.handled.average_s == 60


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_calls_that_ended_before_midnight_of_the_site_are_not_handled_today(zone):
    now = timezone.now()
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    for name, ended_at in (("old", midnight - timedelta(seconds=1)), ("new", midnight)):
        Call.objects.create(
            call_id=name, state=CallState.ARCHIVED, opened_at=midnight, ended_at=ended_at
        )

    with timezone.override(zone):  # of the reader
        assert read_floor(now).of("").handled.calls == 1


def test_several_queues_add_up_to_one():
    queues = [
        QueueFigures(
            "a", live=3, negative=1, oldest_at=NOW, handled=Handled(1, timedelta(seconds=10))
        ),
        QueueFigures("b", live=1, critical=2, handled=Handled(3, timedelta(seconds=50))),
        QueueFigures("c", live=1, oldest_at=NOW - timedelta(minutes=1)),
    ]

    found = total(queues)

    assert (found.live, found.negative, found.negative_share, found.critical) == (5, 1, 20, 2)
    assert found.oldest_at == NOW - timedelta(minutes=1)
    assert found.handled.average_s == 15
    assert total([]) == QueueFigures("")


@pytest.mark.parametrize(
    ("queue", "measure", "value", "level"),
    [
        ("sales", "alerts", 2, ""),
        ("sales", "alerts", 3, "amber"),
        ("sales", "alerts", 6, "red"),
        ("billing", "alerts", 6, ""),  # a pair of its own: the red of the default is not used
        ("billing", "alerts", 10, "amber"),
        ("billing", "waiting", 5, "red"),  # no limits of its own: those of the default
        ("sales", "longest", 1000, ""),
    ],
)
def test_a_queue_has_its_own_limits_or_the_default_ones(queue, measure, value, level):
    thresholds = Thresholds(
        {
            "": QueueThreshold(alerts_amber=3, alerts_red=6, waiting_red=5),
            "billing": QueueThreshold(queue="billing", alerts_amber=10),
        }
    )

    assert thresholds.level(queue, measure, value) == level


def test_every_figure_has_a_level():
    limits = QueueThreshold(
        longest_amber=10, longest_red=20, negative_red=9, negative_share_amber=40, waiting_amber=1
    )
    queue = QueueFigures("x", live=5, negative=2, oldest_at=NOW - timedelta(minutes=20), waiting=1)

    found = Thresholds({"": limits}).levels(queue, NOW)

    assert found == Levels(longest="red", negative="amber", waiting="amber")
    assert found.worst == "red"
    assert worst([]) == ""


def test_a_share_of_few_calls_has_no_level():
    limits = Thresholds({"": QueueThreshold(negative_share_red=50)})

    assert limits.levels(QueueFigures("x", live=4, negative=4), NOW).negative == ""
    assert limits.levels(QueueFigures("x", live=5, negative=4), NOW).negative == "red"


def test_calls_with_the_worst_alerts_come_first_and_nothing_that_has_ended():
    quiet = call("quiet", minutes=30, agent="Al")
    for name, severity in (("notice", 1), ("critical", 3)):
        alert(call(name), severity)
    twice = call("twice")
    alert(twice, 2, name="Silence")
    alert(twice, 1)
    over = call("over", state=CallState.ARCHIVED, minutes=90)
    alert(over, 3)

    rows = read_calls(Options(), Thresholds(), timezone.now())

    assert [row.alert_level for row in rows.alerting] == ["critical", "warning", "notice"]
    assert (rows.alerting[1].alert, rows.alerting[1].more_alerts) == ("Silence", 1)
    assert [row.pk for row in rows.longest] == [quiet.pk]


def test_last_words_have_the_right_speaker_and_can_be_left_out():
    hear(call("a", speakers_swapped=True), "I want my money back.", "agent")
    now = timezone.now()

    (row,) = read_calls(Options(), Thresholds(), now).longest
    (silent,) = read_calls(Options(last_words=False), Thresholds(), now).longest

    assert (row.speaker, row.words) == ("customer", "I want my money back.")
    assert (silent.speaker, silent.words) == ("", "")


def test_only_calls_of_the_chosen_queues_are_shown():
    alert(call("a", "billing"), 3)
    alert(call("b", "retention"), 3)
    call("c", "retention")

    screen = screen_of(Options(queues=("billing", "unknown")))

    assert len(screen.calls.alerting) == 1
    assert screen.calls.longest == ()
    assert screen.figures.live == 1
    (queues,) = page(screen, "queues")
    assert [tile.figures.queue for tile in queues.tiles] == ["billing", "unknown"]


@pytest.mark.parametrize(
    ("customer", "how", "shown"),
    [
        ("+44 20 7946 0123", Customers.MASKED, "••• 123"),
        ("+44 20 7946 0123", Customers.FULL, "+44 20 7946 0123"),
        ("+44 20 7946 0123", Customers.HIDDEN, ""),
        ("112", Customers.MASKED, "•••"),
        ("123456", Customers.MASKED, "•••"),
        ("maria1990@example.com", Customers.MASKED, "•••"),
        ("Maria Lopez", Customers.MASKED, "•••"),
        ("", Customers.MASKED, ""),
    ],
)
def test_customers_are_masked(customer, how, shown):
    assert mask(customer, how) == shown


def test_the_customer_of_an_outbound_call_is_who_was_called():
    call("a", direction="outbound", caller="+44 20 7946 0100", callee="+44 20 7946 0999")

    (row,) = read_calls(Options(), Thresholds(), timezone.now()).longest

    assert row.customer == "••• 999"


def test_queues_have_a_tile_by_name_and_twelve_fit_on_a_page():
    call("none", "")
    full_floor(queues=25, calls=50)
    call("ancient", "no longer used", state=CallState.FAILED, ended_at=NOW - timedelta(days=9))

    pages = page(screen_of(), "queues")

    assert [each.title for each in pages] == ["Queues 1/3", "Queues 2/3", "Queues 3/3"]
    assert [len(each.tiles) for each in pages] == [12, 12, 2]
    names = [tile.figures.queue for each in pages for tile in each.tiles]
    assert names[-1] == ""
    assert names[:-1] == sorted(names[:-1])
    assert "no longer used" not in names


def test_only_the_busiest_of_too_many_queues_are_shown():
    now = timezone.now()
    queues = {
        f"q{number:03}": QueueFigures(f"q{number:03}", live=number) for number in range(1, 101)
    }

    screen = read_screen(Options(pages=("queues",)), Floor(queues, now), Thresholds())

    assert len(screen.pages) == 8
    assert screen.pages[0].tiles[0].figures.queue == "q005"
    assert screen.left_out == 4


def test_a_screen_that_has_not_changed_is_equal_whatever_the_time():
    now = timezone.now()
    floor = Floor({"a": QueueFigures("a", live=1, oldest_at=now)}, now)
    limits = Thresholds({"": QueueThreshold(longest_amber=5)})

    screens = [
        read_screen(Options(), Floor(floor.queues, now + timedelta(minutes=minutes)), limits)
        for minutes in (0, 1, 5)
    ]

    assert screens[0] == screens[1]
    assert screens[1] != screens[2]


@pytest.mark.parametrize("calls", [24, 600])
def test_a_screen_takes_a_constant_number_of_queries(calls):
    full_floor(calls=calls)

    with CaptureQueriesContext(connection) as captured:
        screen_of()

    assert len(captured) == QUERIES
