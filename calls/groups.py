"""The groups that a new site has. Migrations create them; after that, the site may change them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.contrib.auth.management import create_permissions


def create_groups(apps: Any, using: str, wanted: Mapping[str, Collection[str]]) -> None:
    """Create those groups that do not exist, each with permissions of this application.

    Call from a migration, with its ``apps``. A group that exists keeps what the site gave it.
    """
    make_permissions(apps, using)
    groups = apps.get_model("auth", "Group").objects.using(using)
    permissions = apps.get_model("auth", "Permission").objects.using(using)
    for name, codenames in wanted.items():
        group, is_new = groups.get_or_create(name=name)
        if is_new:
            ours = permissions.filter(content_type__app_label="calls", codename__in=codenames)
            group.permissions.set(ours)


def grant_new_permissions(apps: Any, using: str, name: str, codenames: Collection[str]) -> None:
    """Give a group that is still there permissions that come with this migration."""
    make_permissions(apps, using)
    group = apps.get_model("auth", "Group").objects.using(using).filter(name=name).first()
    if group is not None:
        permissions = apps.get_model("auth", "Permission").objects.using(using)
        ours = permissions.filter(content_type__app_label="calls", codename__in=codenames)
        group.permissions.add(*ours)


def make_permissions(apps: Any, using: str) -> None:
    """Create the permissions of this application, which Django does only after all migrations."""
    config = apps.get_app_config("calls")
    # An application as a migration knows it has no module of models, and would be left out.
    before, config.models_module = getattr(config, "models_module", None), True
    try:
        create_permissions(config, verbosity=0, apps=apps, using=using)
    finally:
        config.models_module = before
