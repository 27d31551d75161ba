"""Turns a search into the fields of a rule, so that what was found can be watched for."""

from __future__ import annotations

from typing import Any

from calls.alerts.definition import MAX_CONDITIONS
from calls.models import AlertRule
from calls.search.query import AGENT, CUSTOMER, EVERYWHERE, TRANSCRIPT, And, Node, Not, Or, Term
from calls.search.words import is_unspaced

# Rules hear what is said. They read neither summaries nor notes.
_SPEAKERS: dict[str, str] = {
    EVERYWHERE: AlertRule.Speaker.ANY,
    TRANSCRIPT: AlertRule.Speaker.ANY,
    CUSTOMER: AlertRule.Speaker.CUSTOMER,
    AGENT: AlertRule.Speaker.AGENT,
}


def rule_of(node: Node | None) -> dict[str, Any] | None:
    """Return the fields of a rule for the words of a search; None if no rule can express them.

    Words that are wanted are said, and excluded ones are not said. Each part beyond the first is a
    condition.
    """
    parts = [_part_of(each) for each in (node.parts if isinstance(node, And) else [node])]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts) or len(known) > MAX_CONDITIONS + 1:
        return None
    first, *conditions = sorted(known, key=lambda part: part["kind"] != AlertRule.Kind.WORDS)
    return {**first, "conditions": conditions}


def _part_of(node: Node | None) -> dict[str, Any] | None:
    match node:
        case Term():
            return _said(AlertRule.Kind.WORDS, [node])
        case Not(term):
            return _said(AlertRule.Kind.NOT_SAID, [term])
        case Or(parts):
            terms = [part for part in parts if isinstance(part, Term)]
            return _said(AlertRule.Kind.WORDS, terms) if len(terms) == len(parts) else None
    return None


def _said(kind: AlertRule.Kind, terms: list[Term]) -> dict[str, Any] | None:
    sides = {term.sides for term in terms}
    # Without blanks between them, the words of a search are not those of a phrase.
    is_spaced = not any(is_unspaced(word) for term in terms for word in term.words)
    if len(sides) > 1 or not (speakers := _SPEAKERS.keys() & sides) or not is_spaced:
        return None
    phrases = "\n".join(" ".join(term.words) + "*" * term.is_open for term in terms)
    return {"kind": str(kind), "speaker": str(_SPEAKERS[speakers.pop()]), "phrases": phrases}
