"""The entries of the event log about what people put on calls: tags, notes and legal holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, kw_only=True)
class TagAdded:
    type: ClassVar[str] = "tag_added"
    tag: str
    by: str


@dataclass(frozen=True, kw_only=True)
class TagRemoved:
    type: ClassVar[str] = "tag_removed"
    tag: str
    by: str


@dataclass(frozen=True, kw_only=True)
class NoteAdded:
    """The text is not logged, because the log would keep it after the note is deleted."""

    type: ClassVar[str] = "note_added"
    note: int
    by: str


@dataclass(frozen=True, kw_only=True)
class NoteDeleted:
    type: ClassVar[str] = "note_deleted"
    note: int
    author: str
    by: str


@dataclass(frozen=True, kw_only=True)
class HoldSet:
    """The call must not be deleted. The reason is not logged: it may name somebody."""

    type: ClassVar[str] = "hold_set"
    by: str


@dataclass(frozen=True, kw_only=True)
class HoldReleased:
    type: ClassVar[str] = "hold_released"
    by: str
