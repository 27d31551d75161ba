"""Which options the address of a wall screen may have."""

from __future__ import annotations

import pytest
from django.http import QueryDict

from supervisor.wall.options import Options, read_address

SETTINGS = Options(pages=("overview", "queues"), queues=("billing", "retention"), seconds=30)


def test_an_address_chooses_everything_for_a_person():
    query = "page=calls&page=overview&queue=billing&seconds=9&customers=full&words=0&theme=dark"

    found = read_address(QueryDict(query))

    assert found.problems == ()
    assert found.options == Options(("overview", "calls"), ("billing",), 9, "full", False, "dark")


def test_without_parameters_everything_is_shown():
    assert read_address(QueryDict("")).options == Options()


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("page=board", "page: “board” is not one of overview, queues, calls"),
        ("seconds=4", "seconds: a number from 5 to 3600 is needed"),
        ("seconds=9999", "seconds: a number from 5 to 3600 is needed"),
        ("seconds=x", "seconds: a number from 5 to 3600 is needed"),
        ("customers=all", "customers: “all” is not one of hidden, masked, full"),
        ("words=yes", "words: “yes” is not one of 0, 1"),
        ("theme=pink", "theme: “pink” is not one of auto, light, dark"),
        ("queue=" + "q" * 201, "queue: a name has at most 200 characters"),
        ("&".join(f"queue={n}" for n in range(97)), "queue: at most 96 queues, not 97"),
        ("page=" + "x" * 500, "page: “" + "x" * 40 + "…” is not one of overview, queues, calls"),
    ],
)
def test_a_mistake_is_named_and_the_rest_is_shown(query, says):
    found = read_address(QueryDict(query))

    assert found.problems == (says,)
    assert found.options.pages == Options().pages


def test_the_address_of_a_display_chooses_among_what_its_settings_allow():
    narrowed = read_address(QueryDict("page=queues&queue=retention&seconds=9"), SETTINGS)

    assert narrowed.options == Options(("queues",), ("retention",), 9)
    assert narrowed.problems == ()


@pytest.mark.parametrize("query", ["page=calls", "queue=sales", "queue=sales&page=calls"])
def test_the_address_of_a_display_never_shows_more_than_its_settings(query):
    found = read_address(QueryDict(query), SETTINGS)

    assert found.options == SETTINGS
    assert found.problems


def test_the_address_of_a_display_does_not_unmask_customers():
    assert read_address(QueryDict("customers=full&words=1"), SETTINGS).options == SETTINGS
