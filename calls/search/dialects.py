"""Translates a query for PostgreSQL and SQLite. It contains only our own words and operators."""

from __future__ import annotations

from calls.search.query import And, Node, Not, Or, Term, is_grounded, opposite


def as_tsquery(node: Node) -> str:
    """Return a ``tsquery`` for PostgreSQL. Words are used as they are, without stemming."""
    match node:
        case Term():
            return _joined(" | ", [_tsquery_phrase(node, side) for side in node.sides])
        case Not(term):
            return f"!{as_tsquery(term)}"
        case And(parts):
            return _joined(" & ", [as_tsquery(part) for part in parts])
        case Or(parts):
            return _joined(" | ", [as_tsquery(part) for part in parts])


def _tsquery_phrase(term: Term, side: str) -> str:
    # Words consist of letters and digits only, so there is nothing to escape in the quotes.
    words = [f"'{side}{word}'" for word in term.words]
    if term.is_open:
        words[-1] += ":*"
    return _joined(" <-> ", words)


def as_match(node: Node) -> str:
    """Return a query for MATCH in SQLite's FTS5, where NOT is a binary operator."""
    match node:
        case Term():
            return _joined(" OR ", [_match_phrase(node, side) for side in node.sides])
        case Or(parts):
            return _joined(" OR ", [as_match(part) for part in parts])
        case And(parts):
            wanted = [as_match(part) for part in parts if is_grounded(part)]
            refused = [as_match(opposite(part)) for part in parts if not is_grounded(part)]
            return _joined(" NOT ", [_joined(" AND ", wanted), *refused])
        case Not():
            raise ValueError("A query with exclusions only cannot be run.")


def _match_phrase(term: Term, side: str) -> str:
    # In quotes, a word such as "not" is not an operator of FTS5.
    phrase = " ".join(f"{side}{word}" for word in term.words)
    return f'"{phrase}"*' if term.is_open else f'"{phrase}"'


def _joined(sign: str, parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"({sign.join(parts)})"


def translate(node: Node, *, vendor: str) -> str:
    """Return a query for a database vendor, as Django names it."""
    return as_tsquery(node) if vendor == "postgresql" else as_match(node)
