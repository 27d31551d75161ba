"""Displays of the wall screen, and the limits of its tiles, in the admin."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from calls.displays import create_display, find_display
from calls.models import DisplayScreen, QueueThreshold

pytestmark = pytest.mark.django_db
LIST = reverse("admin:calls_displayscreen_changelist")
ADD = reverse("admin:calls_displayscreen_add")
FORM = {
    "name": "Floor 2",
    "pages": ["overview", "queues"],
    "queues": "billing\n\n retention \nbilling",
    "rotation_s": "15",
    "customers": "hidden",
    "theme": "dark",
}


@pytest.fixture
def keeper(person):
    names = ("displayscreen", "queuethreshold")
    return person(*(f"{verb}_{name}" for verb in ("view", "add", "change") for name in names))


def test_a_new_display_shows_its_address_once(keeper):
    page = keeper.post(ADD, FORM, follow=True).content.decode()

    (token,) = set(re.findall(r"http://testserver/wall/([\w-]{43})/", page))
    screen = DisplayScreen.objects.get()
    assert find_display(token) == screen
    assert screen.queues == ["billing", "retention"]
    assert (screen.pages, screen.created_by) == (["overview", "queues"], "ann")
    assert not screen.last_words
    assert token not in keeper.get(LIST).content.decode()


def test_settings_of_a_display_change_and_its_token_stays(keeper):
    screen, token = create_display(name="Floor 2")
    change = reverse("admin:calls_displayscreen_change", args=[screen.pk])

    page = keeper.post(change, {**FORM, "name": "Floor 3"}, follow=True).content.decode()

    assert "/wall/" not in page
    assert find_display(token).name == "Floor 3"
    assert "billing\nretention" in keeper.get(change).content.decode()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"pages": []}, "This field is required"),
        ({"rotation_s": "4"}, "greater than or equal to 5"),
        ({"queues": "q" * 201}, "at most 200 characters"),
        ({"queues": "\n".join(map(str, range(97)))}, "At most 96 queues, not 97"),
    ],
)
def test_a_mistake_in_the_form_names_the_limit(keeper, change, says):
    page = keeper.post(ADD, {**FORM, **change}).content.decode()

    assert says in page
    assert not DisplayScreen.objects.exists()


def test_displays_are_revoked_from_the_list(keeper):
    screen, token = create_display(name="Floor 2")
    data = {"action": "revoke", "_selected_action": [screen.pk]}

    page = keeper.post(LIST, data, follow=True).content.decode()

    assert "1 display revoked" in page
    assert find_display(token) is None


def test_the_limits_of_a_queue_are_checked(keeper):
    add = reverse("admin:calls_queuethreshold_add")
    wrong = keeper.post(add, {"queue": "billing", "alerts_amber": "3", "alerts_red": "2"})

    assert "Red must begin above amber, which is 3." in wrong.content.decode()

    page = keeper.post(add, {"queue": "billing", "alerts_amber": "3"}, follow=True)

    assert QueueThreshold.objects.get(queue="billing").limits("alerts") == (3, None)
    assert "3 / -" in page.content.decode()
