"""Writes to saved views, one transaction each. Only the owner of a view changes it."""

from __future__ import annotations

from django.db import transaction

from calls.models import SavedView
from calls.models.preference import VIEW_NAME_LENGTH, VIEW_QUERY_LENGTH

MOST_VIEWS = 100  # of one person


class ViewRefused(ValueError):
    """The message says why, to the person who asked."""


def save_view(*, user_id: int, page: str, name: str, query: str, shared: bool) -> SavedView:
    """Save a view. One of the same page and name gets the new query.

    Raises ViewRefused.
    """
    if page not in SavedView.Page.values:
        raise ViewRefused(f"There is no page “{page[:20]}” to save a view of.")
    if len(query) > VIEW_QUERY_LENGTH:
        raise ViewRefused(f"This filter is longer than {VIEW_QUERY_LENGTH:,} characters.")
    name = _checked(name)
    with transaction.atomic():
        own = SavedView.objects.filter(owner=user_id)
        is_new = not own.filter(page=page, name=name).exists()
        if is_new and own.count() >= MOST_VIEWS:
            raise ViewRefused(f"You have {MOST_VIEWS} views already. Delete one first.")
        view, _ = SavedView.objects.update_or_create(
            owner_id=user_id, page=page, name=name, defaults={"query": query, "shared": shared}
        )
    return view


def change_view(*, user_id: int, view_id: int, name: str, shared: bool) -> SavedView:
    """Rename a view, and share it or not. Raises ViewRefused."""
    name = _checked(name)
    with transaction.atomic():
        view = _own(user_id, view_id)
        others = SavedView.objects.filter(owner=user_id, page=view.page, name=name)
        if others.exclude(pk=view.pk).exists():
            raise ViewRefused(f"You have another view of this page named “{name}”.")
        view.name, view.shared = name, shared
        view.save(update_fields=["name", "shared"])
    return view


def delete_view(*, user_id: int, view_id: int) -> SavedView:
    """Delete a view. Raises ViewRefused."""
    with transaction.atomic():
        view = _own(user_id, view_id)
        view.delete()
    return view


def _own(user_id: int, view_id: int) -> SavedView:
    view = SavedView.objects.select_for_update().filter(pk=view_id, owner=user_id).first()
    if view is None:
        raise ViewRefused("This view is gone, or it is not yours.")
    return view


def _checked(name: str) -> str:
    name = " ".join(name.replace("\0", "").split())
    if not name:
        raise ViewRefused("Give the view a name.")
    if len(name) > VIEW_NAME_LENGTH:
        raise ViewRefused(f"The name of a view has at most {VIEW_NAME_LENGTH} characters.")
    return name
