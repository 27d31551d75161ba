"""Fixtures of the tests of alerts."""

import pytest

from calls.models import AlertRule


@pytest.fixture
def only_mine(db):
    """Remove the rules of a new site: the test has only its own."""
    AlertRule.objects.all().delete()
