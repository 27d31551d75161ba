"""Saved views: the filter and order of a page under a name, private or shared."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from calls.models import SavedView
from supervisor.saved import services
from supervisor.tests.factories import text_of

pytestmark = pytest.mark.django_db
VIEWS, AGENTS = "/supervisor/views/", "/supervisor/agents/"


@pytest.fixture
def ana(supervisor):
    return User.objects.get(username="ana").pk


@pytest.fixture
def ben():
    """A colleague, and the client of his browser."""
    user = User.objects.create_user("ben")
    user.user_permissions.set(Permission.objects.filter(codename="view_call"))
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def save(client, name="Worst", query="sort=worst", **fields):
    return client.post(VIEWS, {"page": "agents", "name": name, "query": query, **fields})


def test_a_view_is_saved_offered_and_marked_where_it_is_shown(supervisor):
    save(supervisor, "  My   worst <b> ", "q=a%26b&sort=worst")

    elsewhere = supervisor.get(AGENTS).content.decode()
    there = supervisor.get(AGENTS, {"q": "a&b", "sort": "worst", "page": "1"}).content.decode()

    assert 'href="/supervisor/agents/?q=a%26b&amp;sort=worst"' in elsewhere
    assert "My worst &lt;b&gt;" in elsewhere
    assert there.count('aria-current="true"\n        dir="auto">My worst') == 1


def test_saving_goes_back_to_the_page_and_never_to_another_site(supervisor):
    assert save(supervisor, next="/supervisor/agents/?q=x").url == "/supervisor/agents/?q=x"
    assert save(supervisor, next="https://evil.example/").url == VIEWS


def test_a_name_that_is_taken_gets_the_new_filter(supervisor):
    save(supervisor, query="q=one")
    save(supervisor, query="q=two", shared="on")

    view = SavedView.objects.get()
    assert (view.query, view.shared) == ("q=two", True)


def test_a_shared_view_is_offered_to_others_with_its_owner_and_a_private_one_is_not(
    supervisor, ben
):
    save(supervisor, "Private")
    save(supervisor, "Shared", shared="on")

    page = text_of(ben.get(AGENTS))

    assert "Shared by ana" in page
    assert "Private" not in page
    assert "Shared" not in text_of(ben.get("/supervisor/queues/"))
    assert "You have no saved views yet." in text_of(ben.get(VIEWS))


def test_only_the_owner_changes_or_deletes_a_view(supervisor, ben):
    save(supervisor, shared="on")
    view = SavedView.objects.get()

    ben.post(f"{VIEWS}{view.pk}/", {"name": "Mine now"})
    refused = ben.post(f"{VIEWS}{view.pk}/delete/", follow=True)
    view.refresh_from_db()

    assert view.name == "Worst"
    assert "This view is gone, or it is not yours." in text_of(refused)


def test_a_view_is_renamed_shared_and_deleted(supervisor):
    save(supervisor)
    view = SavedView.objects.get()

    supervisor.post(f"{VIEWS}{view.pk}/", {"name": "Better", "shared": "on"})
    view.refresh_from_db()
    assert (view.name, view.shared, view.query) == ("Better", True, "sort=worst")

    supervisor.post(f"{VIEWS}{view.pk}/delete/")
    assert not SavedView.objects.exists()


def test_a_page_without_a_filter_can_be_saved(supervisor):
    save(supervisor, "All", "")

    assert SavedView.objects.get().query == ""


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": " \0 "}, "Give the view a name."),
        ({"name": "n" * 61}, "at most 60 characters"),
        ({"page": "admin"}, "There is no page “admin”"),
        ({"query": "q=" + "x" * 2000}, "longer than 2,000 characters"),
    ],
)
def test_a_refused_view_is_explained(supervisor, fields, said):
    response = supervisor.post(
        VIEWS, {"page": "agents", "name": "x", "query": "", **fields}, follow=True
    )

    assert said in text_of(response)
    assert not SavedView.objects.exists()


def test_two_views_of_a_page_cannot_have_one_name(ana):
    services.save_view(user_id=ana, page="agents", name="a", query="", shared=False)
    other = services.save_view(user_id=ana, page="agents", name="b", query="", shared=False)

    with pytest.raises(services.ViewRefused, match="another view"):
        services.change_view(user_id=ana, view_id=other.pk, name="a", shared=False)


def test_the_number_of_saved_views_is_limited(ana, monkeypatch):
    monkeypatch.setattr(services, "MOST_VIEWS", 1)
    services.save_view(user_id=ana, page="agents", name="a", query="", shared=False)

    services.save_view(user_id=ana, page="agents", name="a", query="q=x", shared=False)
    with pytest.raises(services.ViewRefused, match="Delete one first"):
        services.save_view(user_id=ana, page="agents", name="b", query="", shared=False)


def test_views_are_deleted_with_their_owner(supervisor):
    save(supervisor, shared="on")

    User.objects.get(username="ana").delete()

    assert not SavedView.objects.exists()
