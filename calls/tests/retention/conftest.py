"""Fixtures of the tests of retention."""

import pytest

from calls.retention import old_calls


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(old_calls.time, "sleep", lambda seconds: None)
