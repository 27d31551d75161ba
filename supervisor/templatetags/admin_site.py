"""The names and groups of models on the pages of the admin."""

from __future__ import annotations

from typing import Any

from django import template
from django.contrib.admin.views.main import ChangeList
from django.db.models import Model
from django.db.models.options import Options
from django.template import Context
from django.urls import reverse
from django.utils.safestring import SafeString

from calls.admin.display import show_id
from calls.admin.lists import REACHABLE, ReachablePaginator
from calls.dashboard.groups import Group, Names, group_of, names_of

register = template.Library()


@register.inclusion_tag("supervisor/_in_admin.html", takes_context=True)
def in_admin(context: Context, row: Model) -> dict[str, str]:
    """A link from a page to the row in the admin, for those who may open it there."""
    opts, user = row._meta, context.get("user")  # noqa: SLF001 (public despite its name)
    if not (user and user.is_staff and user.has_perm(f"{opts.app_label}.view_{opts.model_name}")):
        return {}
    address = reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[row.pk])
    return {"address": address, "title": f"Open {opts.verbose_name} {row.pk} in the admin"}


@register.filter
def names(opts: Options[Any]) -> Names:
    return names_of(opts)


@register.filter
def one(of: Names) -> str:
    return of.one


@register.filter
def many(of: Names) -> str:
    return of.many


@register.filter
def counted(of: Names) -> str:
    return of.counted


@register.filter
def lowered(name: str) -> str:
    """A name as it stands within a sentence: Calls become calls, and API keys stay API keys."""
    return name if name[1:2].isupper() else name[:1].lower() + name[1:]


@register.filter
def group(opts: Options[Any]) -> Group | None:
    return group_of(opts.model)


@register.filter
def shown_id(text: str) -> SafeString:
    return show_id(text)


@register.filter
def amount(found: ChangeList) -> str:
    """How many rows a list has: 12, 1,204, or more than 10,000 if it was not counted further."""
    is_cut = isinstance(found.paginator, ReachablePaginator) and found.result_count >= REACHABLE
    return f"more than {REACHABLE:,}" if is_cut else f"{found.result_count:,}"
