"""Chooses the actions that a call allows, and runs the one that a form asks for.

The actions themselves are defined in ``calls.actions``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from calls.actions import ACTIONS, ON_PAGE, Action
from calls.formats.media_types import parse_media
from calls.models import Call, Stage

NOTE_LIMIT = 500
Form = Mapping[str, str]


class BadForm(Exception):
    """The form holds a value that the page never sends."""


def chosen_stage(form: Form) -> str:
    """Return the stage to start at. Raises BadForm."""
    stage = form.get("stage") or Stage.TRANSCRIBE.value
    if stage not in Stage.values:
        raise BadForm(f"stage: must be one of {', '.join(Stage.values)}.")
    return stage


def _swapped(form: Form) -> bool:
    """Read the wanted state from the form. A toggle would let two users undo each other."""
    if form.get("swapped") not in ("0", "1"):
        raise BadForm("swapped: must be 0 or 1.")
    return form.get("swapped") == "1"


def _media(form: Form) -> str:
    """Read a media type; empty for the one that the sender declared. Raises BadForm."""
    media = form.get("media", "").strip()
    try:
        if media:
            parse_media(media)
    except ValueError as error:
        raise BadForm(str(error)) from error
    return media


def _note(form: Form) -> str:
    """Read the reason that somebody gives. Raises BadForm."""
    note = form.get("note", "").replace("\0", "").strip()
    if len(note) > NOTE_LIMIT:
        raise BadForm(f"note: has {len(note)} characters; the limit is {NOTE_LIMIT}.")
    return note


def _reason(form: Form) -> str:
    """Read the reason of a legal hold. The service checks it."""
    return form.get("reason", "")


_READERS: dict[str, Callable[[Form], object]] = {
    "stage": chosen_stage,
    "swapped": _swapped,
    "media": _media,
    "note": _note,
    "reason": _reason,
}


def carry_out(action: Action, *, call_id: str, by: str, form: Form) -> None:
    """Run an action with the options in the form. Raises BadForm, and what its service raises."""
    options = {name: _READERS[name](form) for name in (*action.takes, *action.may_take)}
    action.run(call_id=call_id, by=by, **options)


def actions_for(call: Call) -> list[Action]:
    """Return the actions that the state of the call allows, the main one first."""
    return [ACTIONS[name] for name in ON_PAGE if ACTIONS[name].is_offered(call)]
