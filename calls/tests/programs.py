"""Programs for tests that requirements-dev.txt does not install, such as nginx and pgbouncer."""

from __future__ import annotations

import os
import shutil
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NoReturn

import pytest

# Debian installs servers where only root looks.
SYSTEM_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/sbin")


def installed(name: str) -> str:
    """Return the path of a program. Without it, skip the test; in CI, fail it.

    ``.ci/run`` installs every such program: a test skipped there would prove nothing.
    """
    path = os.pathsep.join([os.environ.get("PATH", ""), *SYSTEM_FOLDERS])
    if found := shutil.which(name, path=path):
        return found
    return _do_without(name)


def need_package(name: str, file: str) -> None:
    """The same for a Python package, which ``file`` installs."""
    if find_spec(name) is None:
        _do_without(f"{name} ({file})")


def import_in_ci(name: str, **_: object) -> Any:
    """Take the place of ``pytest.importorskip`` in CI, where nothing may be missing."""
    try:
        return import_module(name)
    except ImportError as error:
        pytest.fail(f"{name} is not installed, which skips tests elsewhere: {error}")


def _do_without(name: str) -> NoReturn:
    missing = f"{name} is not installed"
    if os.environ.get("CI"):
        pytest.fail(f"{missing}. Add it to .ci/run.")
    pytest.skip(missing)
