"""Gives each test of erasures its own ledger and media folder."""

from __future__ import annotations

import pytest
from django.core.files.storage import default_storage


@pytest.fixture(autouse=True)
def _own_ledger(settings, tmp_path):
    settings.ERASURE_LEDGER = str(tmp_path / "state" / "erasures" / "ledger.jsonl")
    settings.MEDIA_ROOT = str(tmp_path / "media")
    assert default_storage.location == settings.MEDIA_ROOT
