"""The words of a search on the page of a call, which its address passes on: ``?q=refund``.

They are marked in what the page shows anyhow, so a redacted page tells nothing of what was removed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from calls.search.hits import Excerpt, mark, terms_by_side
from calls.search.query import SIDES, Term
from supervisor.search.read_model import Question, read_words


@dataclass(frozen=True)
class Highlight:
    """What was searched as it was written, the terms by side, and what was not understood."""

    query: str = ""
    terms: Mapping[str, Sequence[Term]] = field(default_factory=dict)
    problem: str = ""

    @classmethod
    def from_query(cls, query: Mapping[str, Any]) -> Self:
        """Read ``q``, ``speaker`` and ``in``, as the search page does."""
        question, problems = Question.from_query(query), dict[str, str]()
        node = read_words(question, problems)
        return cls(question.query, terms_by_side(node) if node else {}, " ".join(problems.values()))

    def mark(self, text: str, side: str) -> Excerpt:
        """Mark a text of the ``agent``, the ``customer``, the ``summary`` or a ``note``."""
        return mark(text, self.terms.get(SIDES[side], ()))


NO_WORDS = Highlight()
