"""Draws the states and transitions of calls, as django_fsm does. Says what to install if needed."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Any

from django.core.management.base import BaseCommand

if find_spec("graphviz"):
    from django_fsm.management.commands.graph_transitions import Command
else:

    class Command(BaseCommand):  # type: ignore[no-redef]
        help = "Draws the states and transitions of a model. Needs the package graphviz."

        def run_from_argv(self, argv: list[str]) -> None:
            """Stop before the arguments are parsed: only django_fsm's command knows them."""
            sys.exit("CommandError: Drawing needs graphviz: pip install graphviz")

        def handle(self, *args: Any, **options: Any) -> None:
            raise NotImplementedError


__all__ = ["Command"]
