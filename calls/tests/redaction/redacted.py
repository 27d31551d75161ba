"""Short conversations before and after redaction."""

from __future__ import annotations

from calls.conversation import Speaker, Turn
from calls.redaction.redact import redact


def said(text: str, question: str = "") -> str:
    """Return what is left of a customer's answer."""
    asked = [Turn("agent", 0, 1_000, question)] if question else []
    return redact([*asked, Turn("customer", 1_000, 2_000, text)]).turns[-1].text


def conversation(*texts: str) -> list[str]:
    """Return what is left of turns that agent and customer speak by turns."""
    speakers: tuple[Speaker, Speaker] = ("agent", "customer")
    turns = [Turn(speakers[n % 2], n, n + 1, text) for n, text in enumerate(texts)]
    return [turn.text for turn in redact(turns).turns]
