"""The search words that the call page marks, taken from its address: ``?q=refund``.

Only text that the page shows is searched, so a redacted page reveals nothing that was removed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from calls.search.hits import Excerpt, mark, terms_by_side
from calls.search.query import SIDES, Term
from supervisor.search.read_model import SearchQuestion, read_words


@dataclass(frozen=True)
class Highlight:
    """The query as written, its terms by side, and an explanation if it was not understood."""

    query: str = ""
    terms: Mapping[str, Sequence[Term]] = field(default_factory=dict)
    problem: str = ""

    @classmethod
    def from_query(cls, query: Mapping[str, Any]) -> Self:
        """Read ``q``, ``speaker`` and ``in``, as the search page does."""
        question, problems = SearchQuestion.from_query(query), dict[str, str]()
        node = read_words(question, problems)
        return cls(question.query, terms_by_side(node) if node else {}, " ".join(problems.values()))

    def mark(self, text: str, side: str) -> Excerpt:
        """Mark the words in a text. ``side`` is agent, customer, summary or note."""
        return mark(text, self.terms.get(SIDES[side], ()))


NO_WORDS = Highlight()
