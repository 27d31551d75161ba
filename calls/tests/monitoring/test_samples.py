"""The samples of the load, once a minute."""

from datetime import timedelta

import pytest
from django.utils import timezone

from calls import services
from calls.ingest.record import record_packets
from calls.models import MinuteSample
from calls.monitoring.samples import KEPT, take_sample
from calls.tests.factories import failed_call, live_call, packet

pytestmark = pytest.mark.django_db


def test_the_first_sample_has_nothing_to_compare_its_packets_with():
    record_packets([packet("c-1", 1), packet("c-1", 4)])

    sample = take_sample()

    assert (sample.live, sample.packets, sample.missing) == (1, 0, 0)


def test_packets_are_those_since_the_last_sample_of_calls_that_ended_too():
    record_packets([packet("stays", 1), packet("ends", 1)])
    now = timezone.now()
    take_sample(now)
    record_packets([packet("stays", 2), packet("ends", 2), packet("ends", 5)])
    services.end_call(call_id="ends")

    sample = take_sample(now + timedelta(minutes=1))

    assert (sample.live, sample.packets, sample.missing) == (1, 3, 2)
    assert sample.packets_per_s == pytest.approx(3 / 60)
    assert sample.loss_percent == pytest.approx(40)


def test_results_count_in_the_minute_of_their_arrival():
    now = timezone.now()
    take_sample(now - timedelta(minutes=1))
    failed_call()

    later = [take_sample(now + timedelta(minutes=minute)) for minute in (1, 2)]

    assert [sample.failed for sample in later] == [1, 0]


def test_a_fresh_sample_is_not_taken_twice():
    now = timezone.now()
    live_call()

    assert take_sample(now) is not None
    assert take_sample(now + timedelta(seconds=5)) is None


def test_old_samples_are_deleted():
    now = timezone.now()
    take_sample(now - KEPT - timedelta(minutes=1))

    take_sample(now)

    assert MinuteSample.objects.count() == 1
