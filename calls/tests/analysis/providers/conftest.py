"""Fixtures for the tests of providers."""

from collections.abc import Iterator

import pytest

from calls.analysis.providers.local import sentences, sentiment
from calls.tests.analysis.providers.fake_openai import (
    FakeOpenAI,
)


@pytest.fixture
async def server():
    async with FakeOpenAI() as running:
        yield running


@pytest.fixture
def fresh_models() -> Iterator[None]:
    """Let the test load the models of the local provider itself, and the next one as well."""
    _forget_models()
    yield
    _forget_models()


def _forget_models() -> None:
    sentences._load_once.cache_clear()
    sentiment._load_once.cache_clear()
    sentiment._words.cache_clear()
