"""Parsing a search query into a tree. Errors are explained to the user; nothing is guessed.

- ``refund cancel``: both words, anywhere in the call
- ``"thank you"``: these words, one after the other, in one turn
- ``refund OR cancel``: one of them
- ``-sorry``: calls without it
- ``cancel*``: words that start with ``cancel``
- ``customer:refund``: said by the customer; ``agent:``, ``summary:`` and ``note:`` likewise
- ``(a OR b) -(c d)``: brackets group
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from calls.search.words import is_unspaced, split

QUERY_LENGTH = 300
MAX_TERMS = 30
# The parser calls itself for each level, so a query of brackets must not go deeper.
MAX_DEPTH = 10
PREFIX_LENGTH = 3

AGENT, CUSTOMER, SUMMARY, NOTE = "a", "c", "s", "n"
EVERYWHERE = AGENT + CUSTOMER + SUMMARY + NOTE
TRANSCRIPT = AGENT + CUSTOMER
SIDES = {
    "agent": AGENT,
    "customer": CUSTOMER,
    "summary": SUMMARY,
    "note": NOTE,
    "transcript": TRANSCRIPT,
}

# A minus counts only at the start of a word, so that "e-mail" is not "e" without "mail".
_TOKEN = re.compile(
    r'(?P<open>\()|(?P<close>\))|(?P<bar>\|)|(?P<minus>-(?=["(\w]))'
    r"|(?P<scope>(?i:agent|customer|summary|note|transcript):)"
    r'|"(?P<phrase>[^"]*)"(?P<star>\*?)|(?P<quote>")|(?P<word>[^\s"()|]+)'
)
# Word processors and phones type curly quotation marks.
_QUOTES = str.maketrans(dict.fromkeys("\u201c\u201d\u201e\u00ab\u00bb\uff02", '"'))


class NotUnderstood(Exception):
    """The query is wrong. The message tells the user what to write instead."""


@dataclass(frozen=True, slots=True)
class Term:
    """Words in sequence. With ``is_open``, the last one is a prefix."""

    words: tuple[str, ...]
    is_open: bool = False
    sides: str = EVERYWHERE


@dataclass(frozen=True, slots=True)
class Not:
    term: Term


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[Node, ...]


Node: TypeAlias = "Term | Not | And | Or"


def parse(text: str, *, sides: str = EVERYWHERE) -> Node | None:
    """Parse a query. Returns None if it is empty. ``sides`` applies to words without a prefix.

    Raises NotUnderstood.
    """
    text = text.translate(_QUOTES).strip()
    if not text:
        return None
    if len(text) > QUERY_LENGTH:
        raise NotUnderstood(f"It is longer than {QUERY_LENGTH} characters.")
    node = _Parser(text, sides).read()
    # An index finds calls by words. Without one, all calls would have to be read.
    if not is_grounded(node):
        raise NotUnderstood("It only excludes words. Add a word to find, as in “refund -sorry”.")
    return node


def is_grounded(node: Node) -> bool:
    """Return whether each match contains a wanted word, so that an index can find it."""
    match node:
        case Term():
            return True
        case Not():
            return False
        case And(parts):
            return any(map(is_grounded, parts))
        case Or(parts):
            return all(map(is_grounded, parts))


def opposite(node: Node) -> Node:
    """Return the negation of a part, with NOT only at terms. It is grounded if the part is not."""
    match node:
        case Term():
            return Not(node)
        case Not(term):
            return term
        case And(parts):
            return Or(tuple(map(opposite, parts)))
        case Or(parts):
            return And(tuple(map(opposite, parts)))


def wanted_terms(node: Node) -> Iterator[Term]:
    """Yield the wanted terms, in the order of the query."""
    match node:
        case Term():
            yield node
        case And(parts) | Or(parts):
            for part in parts:
                yield from wanted_terms(part)


@dataclass
class _Parser:
    """A recursive descent parser. OR binds least, then adjacency, then ``-`` and ``agent:``."""

    text: str
    sides: str
    place: int = 0
    terms: int = 0
    depth: int = 0
    tokens: list[re.Match[str]] = field(default_factory=list)

    def read(self) -> Node:
        self.tokens = list(_TOKEN.finditer(self.text))
        node = self._either(self.sides)
        if self._next("close"):
            raise NotUnderstood("There is a closing bracket without an opening one.")
        if node is None:
            raise NotUnderstood("There is no word in it: letters or digits are needed.")
        return node

    def _next(self, kind: str) -> re.Match[str] | None:
        token = self.tokens[self.place] if self.place < len(self.tokens) else None
        return token if token and token.lastgroup == kind else None

    def _keyword(self, *names: str) -> bool:
        token = self._next("word")
        return bool(token and token[0] in names)

    def _either(self, sides: str) -> Node | None:
        parts = [self._together(sides)]
        while self._next("bar") or self._keyword("OR"):
            if parts[-1] is None:
                raise NotUnderstood("OR needs a word before it.")
            self.place += 1
            parts.append(self._together(sides))
            if parts[-1] is None:
                raise NotUnderstood("OR needs a word after it.")
        return _joined(Or, [part for part in parts if part is not None])

    def _together(self, sides: str) -> Node | None:
        parts: list[Node] = []
        while self.place < len(self.tokens):
            if self._next("close") or self._next("bar") or self._keyword("OR"):
                break
            # Words side by side mean AND, so the word itself changes nothing.
            if self._keyword("AND"):
                self.place += 1
                continue
            part = self._one(sides)
            if part is not None:
                parts.append(part)
        return _joined(And, parts)

    def _one(self, sides: str) -> Node | None:
        """Parse one element. Returns None for signs without a letter or digit."""
        token = self.tokens[self.place]
        self.place += 1
        if token.lastgroup == "minus" or token[0] == "NOT":
            return self._opposite(sides)
        if token.lastgroup == "scope":
            return self._scoped(token[0], sides)
        if token.lastgroup == "open":
            return self._bracket(sides)
        if token.lastgroup == "quote":
            raise NotUnderstood(
                'A quotation mark is not closed. Write "thank you", with one at each end.'
            )
        if token.lastgroup == "word":
            return self._term(token[0].rstrip("*"), token[0].endswith("*"), sides)
        # A phrase. Its last group is `star`, which takes part in the match even if it is empty.
        return self._term(token["phrase"], bool(token["star"]), sides)

    def _opposite(self, sides: str) -> Node | None:
        self._expect_more("NOT needs a word after it.")
        part = self._nested(sides)
        # NOT moves down to the terms, because FTS5 has no NOT without something before it.
        return part and opposite(part)

    def _expect_more(self, otherwise: str) -> None:
        if self.place == len(self.tokens) or self._next("close") or self._next("bar"):
            raise NotUnderstood(otherwise)

    def _scoped(self, name: str, sides: str) -> Node | None:
        wanted = SIDES[name.rstrip(":").lower()]
        self._expect_more(f"{name} needs a word after it, as in “{name}refund”.")
        # A prefix can only narrow the sides that apply here, as `agent:` does in transcripts.
        both = "".join(side for side in wanted if side in sides)
        if not both:
            raise NotUnderstood(f"“{name}” cannot be found where this search looks.")
        return self._nested(both)

    def _nested(self, sides: str) -> Node | None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise NotUnderstood(f"It is nested more than {MAX_DEPTH} deep.")
        part = self._one(sides)
        self.depth -= 1
        return part

    def _bracket(self, sides: str) -> Node | None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise NotUnderstood(f"It is nested more than {MAX_DEPTH} deep.")
        node = self._either(sides)
        if not self._next("close"):
            raise NotUnderstood("An opening bracket is not closed.")
        self.place += 1
        self.depth -= 1
        return node

    def _term(self, text: str, is_open: bool, sides: str) -> Node | None:
        words = tuple(word.text for word in split(text) if word.text)
        if not words:
            return None
        self.terms += len(words)
        if self.terms > MAX_TERMS:
            raise NotUnderstood(f"It has more than {MAX_TERMS} words.")
        # Without spaces, a word is found wherever it starts and ends.
        is_open = is_open and not is_unspaced(words[-1])
        if is_open and len(words[-1]) < PREFIX_LENGTH:
            raise NotUnderstood(f"“{words[-1]}*” needs at least {PREFIX_LENGTH} letters before *.")
        return Term(words, is_open, sides)


def _joined(kind: type[And] | type[Or], parts: list[Node]) -> Node | None:
    """Join parts, flattening brackets that make no difference."""
    if len(parts) < 2:
        return parts[0] if parts else None
    flat: list[Node] = []
    for part in parts:
        flat += part.parts if isinstance(part, kind) else (part,)
    return kind(tuple(flat))
