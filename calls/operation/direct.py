"""Connections past a pooler: for what belongs to a session, which a pooler does not keep.

In transaction mode, pgbouncer gives every transaction any of its connections. LISTEN, settings that
outlive a transaction, and CREATE INDEX CONCURRENTLY with its own timeouts need a session.
"""

from __future__ import annotations

from typing import Any

from django.db import connections

# Django's parameters include some that only its own connection class understands.
OF_LIBPQ = ("dbname", "user", "password", "host", "port", "sslmode", "service")

# Options that hold for every connection of this service.
OURS = ("isolation_level", "prepare_threshold")


def has_sessions() -> bool:
    """Return whether what is set on a connection stays set after a transaction."""
    return bool(connections["default"].settings_dict.get("POOLER") != "transaction")


def direct_parameters() -> dict[str, Any]:
    """Return what psycopg needs to open a connection of its own."""
    connection = _direct()
    parameters = connection.get_connection_params()
    return {name: value for name, value in parameters.items() if name in OF_LIBPQ}


def connect_directly(alias: str = "default") -> None:
    """Use a direct connection in this thread from now on, if there is a pooler."""
    if has_sessions() or alias != "default":
        return
    connections[alias].close()
    connections[alias] = _direct()


def _direct() -> Any:
    present = connections["default"]
    if has_sessions():
        return present
    direct = present.settings_dict["DIRECT"]
    ours = {name: present.settings_dict["OPTIONS"][name] for name in OURS}
    options = {**ours, **direct.get("OPTIONS", {})}
    return type(present)({**present.settings_dict, **direct, "OPTIONS": options}, "default")
