"""Who sees which calls: the one place that decides it.

asking  Whose request is being handled, and which rows of a query they see.
sights  What an account or a key sees, as a value.
"""

from calls.visibility.asking import (
    active,
    in_sight,
    is_alert_in_sight,
    is_in_sight,
    looking_as,
    looking_lazily,
    looking_with,
)
from calls.visibility.sights import (
    EVERYTHING,
    NOTHING,
    VIEW_ALL,
    Sight,
    may_see,
    sight_of,
    sight_of_teams,
    teams_of_call,
    visible_calls,
)

__all__ = [
    "EVERYTHING",
    "NOTHING",
    "VIEW_ALL",
    "Sight",
    "active",
    "in_sight",
    "is_alert_in_sight",
    "is_in_sight",
    "looking_as",
    "looking_lazily",
    "looking_with",
    "may_see",
    "sight_of",
    "sight_of_teams",
    "teams_of_call",
    "visible_calls",
]
