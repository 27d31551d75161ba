from __future__ import annotations

import pytest

from calls.tests.programs import import_in_ci, installed, need_package


def test_a_program_is_found_on_the_path(tmp_path, monkeypatch):
    program = tmp_path / "server-of-a-test"
    program.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert installed("server-of-a-test") == str(program)


def test_a_test_without_its_program_is_skipped_with_the_reason(monkeypatch):
    monkeypatch.delenv("CI", raising=False)

    with pytest.raises(pytest.skip.Exception, match="no-such-server is not installed"):
        installed("no-such-server")


def test_a_test_without_its_program_fails_in_ci(monkeypatch):
    monkeypatch.setenv("CI", "true")

    with pytest.raises(pytest.fail.Exception, match=r"Add it to \.ci/run"):
        installed("no-such-server")


def test_a_package_is_missed_as_a_program_is(monkeypatch):
    need_package("django", "requirements.txt")
    monkeypatch.delenv("CI", raising=False)

    with pytest.raises(pytest.skip.Exception, match=r"no_such_package \(requirements-x.txt\) is"):
        need_package("no_such_package", "requirements-x.txt")


def test_a_package_that_skips_tests_elsewhere_fails_them_in_ci():
    assert import_in_ci("json", reason="needs nothing").loads("1") == 1
    with pytest.raises(pytest.fail.Exception, match="no_such_package is not installed"):
        import_in_ci("no_such_package", reason="needs requirements-x.txt")
