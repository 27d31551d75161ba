"""The list that a call was opened from: the way back, and its neighbours in the list."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from calls.models import Call
from calls.tests.factories import live_call
from supervisor.tests.factories import raise_alert, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def three():
    """Three live calls of a queue, and one of another, the newest last."""
    for name, queue in (("a", "billing"), ("b", "billing"), ("x", "cards"), ("c", "billing")):
        call = live_call(name)
        Call.objects.filter(pk=call.pk).update(queue=queue)


def test_the_breadcrumb_links_back_to_the_list_as_it_was(supervisor, three):
    page = supervisor.get("/supervisor/calls/b/", {"list": "queue=billing&sort=-loss"})

    assert 'href="/supervisor/?queue=billing&amp;sort=-loss">Wallboard</a>' in page.content.decode()


def test_next_and_previous_calls_are_those_of_the_list_and_keep_it(supervisor, three):
    html = supervisor.get("/supervisor/calls/b/", {"list": "queue=billing"}).content.decode()

    for which, name in (("prev", "c"), ("next", "a")):
        assert f'href="/supervisor/calls/{name}/?list=queue%3Dbilling" rel="{which}"' in html


def test_the_last_call_of_a_list_has_no_next_call(supervisor, three):
    text = text_of(supervisor.get("/supervisor/calls/c/", {"list": "queue=billing"}))

    assert "Next call" in text
    assert "Previous call" not in text


def test_without_a_list_there_are_no_neighbours(supervisor, three):
    html = supervisor.get("/supervisor/calls/b/").content.decode()

    assert 'href="/supervisor/">Wallboard</a>' in html
    assert "Next call" not in html


def test_an_action_comes_back_to_the_same_list(operator, three):
    address = reverse("supervisor:end", args=["b"])

    question = operator.get(address, {"list": "queue=billing"}).content.decode()
    done = operator.post(f"{address}?list=queue%3Dbilling")

    assert f'action="{address}?list=queue%3Dbilling"' in question
    assert done["Location"] == "/supervisor/calls/b/?list=queue%3Dbilling"


@pytest.mark.parametrize("text", ["", "?", "nowhere?x=1", "\0", "before=9", "x" * 5000])
def test_any_list_in_the_address_is_accepted(supervisor, three, text):
    assert supervisor.get("/supervisor/calls/b/", {"list": text}).status_code == 200


@pytest.mark.parametrize(
    ("page", "back"),
    [
        ("/supervisor/alerts/?severity=critical", "list=alerts%3Fseverity%3Dcritical"),
        ("/supervisor/agents/?sort=worst", "list=agents%3Fsort%3Dworst"),
        ("/supervisor/queues/", "list=queues%3F"),
        ("/supervisor/agent/?name=Ann&days=30", "list=agent%3Fname%3DAnn%26days%3D30"),
        ("/supervisor/queue/?name=billing", "list=queue%3Fname%3Dbilling"),
        ("/supervisor/search/?queue=billing", "list=search%3Fqueue%3Dbilling"),
    ],
)
def test_every_page_that_lists_calls_is_found_again(supervisor, three, page, back):
    Call.objects.update(agent="Ann")
    raise_alert(Call.objects.get(call_id="b"))

    html = supervisor.get(page).content.decode()

    links = re.findall(r'href="/supervisor/calls/[abc]/\?([^"#]*)', html)
    assert links
    assert all(back in link for link in links)


def test_the_calls_beside_in_a_search_have_its_words_marked(supervisor, three):
    query = {"q": "refund", "list": "search?queue=billing", "t": "3"}

    html = supervisor.get("/supervisor/calls/b/", query).content.decode()

    assert 'href="/supervisor/calls/a/?q=refund&amp;list=search%3Fqueue%3Dbilling"' in html
