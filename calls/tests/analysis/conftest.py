"""Fixtures of the analysis tests."""

from __future__ import annotations

import pytest


@pytest.fixture
def short_breaker(settings) -> None:
    """Let three failures in a row count as an outage, and the first probe follow after 30 s."""
    settings.AI_BREAKER_FAILURES = 3
    settings.AI_BREAKER_SECONDS = 30
