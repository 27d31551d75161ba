"""Fixtures for the tests of providers."""

import pytest

from calls.tests.analysis.providers.fake_openai import (
    FakeOpenAI,
)


@pytest.fixture
async def server():
    async with FakeOpenAI() as running:
        yield running
