"""Calls that fail until their provider counts as down."""

import asyncio
from datetime import timedelta

from django.utils import timezone

from calls.analysis.runner import Runner
from calls.models import Call, ProviderHealth, Stage
from calls.tests import one_call
from calls.tests.factories import (
    attempt,
    claim_all,
    outage,
    spoken_call,
)


def claim(limit=10):
    return claim_all(limit=limit)


def fail(lease, error=None, stage=Stage.TRANSCRIBE):
    return one_call.fail_attempt(lease, attempt(lease, stage), error or outage())


def health(stage=Stage.TRANSCRIBE):
    return ProviderHealth.objects.get(provider="fake", stage=stage)


def bring_down():
    """Fail as many calls as it takes for the provider to count as down."""
    for _ in range(3):
        spoken_call()
    for lease in claim():
        fail(lease)
    assert health().down_since


def let_probe_time_come():
    ProviderHealth.objects.update(probe_at=timezone.now() - timedelta(seconds=1))
    Call.objects.update(next_attempt_at=None)


def run(provider, **options):
    return asyncio.run(Runner(provider, linger_s=0, lifetime_s=20, **options).run())
