"""Actions on calls: one catalogue, read by the call page, bulk, admin, API and commands.

action     What an action is: where it is offered, what it needs, and its words
catalogue  Every action, its services, and what they refuse
bulk       Carries out one action on many calls in the background
"""

from calls.actions.action import OPERATE, Action, ManyCalls, OneCall
from calls.actions.catalogue import (
    ACTIONS,
    DELETE,
    DELETE_NOTE,
    IN_ADMIN,
    IN_BULK,
    ON_PAGE,
    REFUSALS,
)

__all__ = [
    "ACTIONS",
    "DELETE",
    "DELETE_NOTE",
    "IN_ADMIN",
    "IN_BULK",
    "ON_PAGE",
    "OPERATE",
    "REFUSALS",
    "Action",
    "ManyCalls",
    "OneCall",
]
