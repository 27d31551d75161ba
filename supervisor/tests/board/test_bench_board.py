"""The benchmark of the wallboard: its simulated site, its figures, and the options it refuses."""

import pytest
from django.core.management import CommandError, call_command

from benchmarks.management.commands.bench_board import compare
from benchmarks.pages import busy_site
from benchmarks.pages.wallboard import Opening, Watching, growth
from calls.models import Call, CallEvent


def test_growth_compares_the_last_third_with_the_first():
    assert growth([10, 10, 10, 99, 12, 12]) == pytest.approx(0.2)
    assert growth([10, 30, 10, 50, 70, 11, 12, 11, 11]) == pytest.approx(0.1)
    assert growth([]) == 0


def test_the_worst_view_counts():
    calm = Watching("", busy=[0.1], heap_mb=[1, 1, 1], nodes=[5, 5, 5])
    hectic = Watching("?x", busy=[0.4, 0.8], heap_mb=[1, 1, 2], nodes=[5, 5, 5])
    seen = {"openings": [Opening(1, 1600, 3, 4, 5)], "views": [calm, hectic]}

    failed = [bar.name for bar in compare(seen) if not bar.passed]

    assert failed == ["first paint, the slowest", "main thread busy", "growth of the heap"]


@pytest.mark.django_db(transaction=True)
def test_a_busy_site_changes_in_every_way():
    busy_site.fill(live=40, archived=3)

    made = busy_site.stir(rate=400, seconds=3)

    kinds = set(CallEvent.objects.values_list("type", flat=True))
    assert kinds >= {"state_change", "call_described", "analysis_attempt", "alert_raised"}
    assert Call.objects.live().count() == made["live"] == 40
    assert Call.objects.filter(state="ARCHIVED").count() > 3
    assert made["changes"] == CallEvent.objects.count() > 0


@pytest.mark.parametrize("option", ["--seconds", "--live", "--rate"])
def test_a_size_out_of_range_is_refused(option):
    with pytest.raises(CommandError, match="must be from"):
        call_command("bench_board", option, "0")
