"""Fixtures of the pages' tests: visitors with more or fewer permissions."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User

from supervisor import figures

# Here, and not where they are used, so that all modules share one server.
from supervisor.tests.browser import analysed, chromium, open_page, site  # noqa: F401


@pytest.fixture(autouse=True)
def _own_storage(settings, tmp_path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def visitor(client, db):
    """Log in a client whose user has these permissions. Who sees calls sees those of all teams."""

    def log_in(*codenames):
        user = User.objects.create_user("ana", password="correct horse")
        held = {*codenames, *(["view_all_calls"] if "view_call" in codenames else [])}
        user.user_permissions.set(Permission.objects.filter(codename__in=held))
        client.force_login(user)
        return client

    return log_in


@pytest.fixture
def supervisor(visitor):
    return visitor("view_call")


@pytest.fixture
def operator(visitor):
    return visitor("view_call", "operate_call")


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    """The average of an earlier test would still be fresh."""
    figures._handling.forget()
