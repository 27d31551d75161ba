"""The views that a page offers, and which of them is shown."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import QueryDict
from django.urls import reverse

from calls.models import SavedView

# These are places in a list, not a part of what it shows.
_PASSING = ("before", "page", "id", "list")


@dataclass(frozen=True)
class OfferedView:
    """A view with its address. ``by`` names the person who shares it; empty: it is one's own."""

    view: SavedView
    address: str
    by: str
    is_current: bool


@dataclass(frozen=True)
class Offer:
    """The views of a page for one person, and ``query``, which saving would keep."""

    page: str
    query: str
    own: list[OfferedView]
    shared: list[OfferedView]

    @property
    def current(self) -> OfferedView | None:
        return next((each for each in [*self.own, *self.shared] if each.is_current), None)


def read_offer(page: str, *, user_id: int, asked: QueryDict) -> Offer:
    query = lasting(asked)
    found = SavedView.objects.offered_to(user_id).filter(page=page).select_related("owner")
    offered = [_offered(view, user_id=user_id, query=query) for view in found]
    return Offer(
        page,
        query,
        own=[each for each in offered if not each.by],
        shared=[each for each in offered if each.by],
    )


def _offered(view: SavedView, *, user_id: int, query: str) -> OfferedView:
    by = "" if view.owner_id == user_id else view.owner.get_username()
    return OfferedView(view, address_of(view), by, view.query == query)


def address_of(view: SavedView) -> str:
    return f"{reverse(f'supervisor:{view.page}')}?{view.query}"


def lasting(asked: QueryDict) -> str:
    """Return the query string without the place in the list, and without empty values."""
    kept = QueryDict(mutable=True)
    for name, values in asked.lists():
        if name not in _PASSING and (given := [value for value in values if value]):
            kept.setlist(name, given)
    return kept.urlencode()
