"""Every page of the admin opens, with rows of everything, and runs few queries."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from calls.dashboard.groups import GROUPS, group_of, names_of
from calls.tests.admin.rows import make_rows

pytestmark = pytest.mark.django_db
MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
# Session, user, open alerts for the navigation, the rows, and what some filters offer.
MOST_QUERIES_OF_A_LIST, MOST_QUERIES_OF_A_FORM = 10, 16


def address(model: type[Model], page: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def opened(client: Client, url: str) -> tuple[str, int]:
    """Return the page and the number of queries."""
    with CaptureQueriesContext(connection) as queries:
        response = client.get(url)
    assert response.status_code == 200, url
    return response.content.decode(), len(queries)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_list_and_form_open_and_ask_little_however_many_rows_there_are(boss, model):
    make_rows("1")
    row = admin.site._registry[model].get_queryset(_request(boss)).first()
    assert row is not None, f"make_rows makes no {model._meta.label}: add one"
    opened(boss, address(model, "changelist"))  # the first page reads what is then remembered

    page, few = opened(boss, address(model, "changelist"))
    form, of_form = opened(boss, address(model, "change", row.pk))
    make_rows("2")
    make_rows("3")
    _, many = opened(boss, address(model, "changelist"))

    names = names_of(model._meta)
    assert f"<h1>{names.many}</h1>" in page
    assert "icon-no" not in page + form
    assert f'class="title__kind">{names.one}<' in form
    assert few == many <= MOST_QUERIES_OF_A_LIST
    assert of_form <= MOST_QUERIES_OF_A_FORM


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_the_form_for_a_new_row_opens_where_there_is_one(boss, model):
    response = boss.get(address(model, "add"))

    may_add = admin.site._registry[model].has_add_permission(_request(boss))
    assert response.status_code == (200 if may_add else 403)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_each_model_of_the_admin_belongs_to_a_task(model):
    assert group_of(model), f"add {model._meta.label_lower} to a group in calls/dashboard/groups.py"


def test_no_task_names_a_model_without_pages():
    registered = {model._meta.label_lower for model in MODELS}

    assert {label for group in GROUPS for label in group.models} == registered


def test_the_navigation_has_one_heading_for_each_task(boss):
    page, _ = opened(boss, reverse("admin:calls_call_changelist"))

    apps = admin.site.get_app_list(_request(boss))
    assert [each["name"] for each in apps] == ["Set up", "Records", "Health"]
    assert "Lock-outs" in page
    assert "Axes" not in page
    assert "Background jobs" not in page


def _request(client: Client) -> Any:
    return client.get(reverse("admin:index")).wsgi_request
