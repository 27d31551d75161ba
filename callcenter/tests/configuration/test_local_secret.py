"""The secret of the local profile is the same for all processes, even if its creator is killed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from callcenter.configuration import local_secret
from callcenter.configuration.local_secret import kept_secret


def test_a_secret_is_made_once_and_kept_for_its_owner_only(tmp_path):
    path = tmp_path / "var" / "secret_key"

    made = kept_secret(path, size=50)

    assert len(made) >= 50
    assert kept_secret(path, size=50) == made
    assert path.stat().st_mode & 0o077 == 0
    assert [each.name for each in path.parent.iterdir()] == ["secret_key"]


def test_processes_that_start_together_get_the_same_secret(tmp_path):
    with ThreadPoolExecutor(16) as pool:
        found = set(pool.map(lambda _: kept_secret(tmp_path / "secret_key", size=50), range(64)))

    assert len(found) == 1


def test_an_empty_file_of_a_killed_start_is_replaced(tmp_path):
    path = tmp_path / "secret_key"
    path.touch()

    made = kept_secret(path, size=50)

    assert made
    assert kept_secret(path, size=50) == made


def test_a_start_that_is_killed_leaves_no_half_a_secret(tmp_path, monkeypatch):
    path = tmp_path / "secret_key"
    monkeypatch.setattr(local_secret, "_publish", lambda own, path: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        kept_secret(path, size=50)
    monkeypatch.undo()

    assert not path.exists()
    assert kept_secret(path, size=50)
