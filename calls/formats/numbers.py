"""Numbers as people read them: with a minus sign, which is longer than a hyphen."""

from __future__ import annotations

MINUS = "\N{MINUS SIGN}"


def score_text(score: float) -> str:
    """Return a score with one decimal: \N{MINUS SIGN}2.1, 0.0, 3.4."""
    return _signed(f"{score:.1f}")


def limit_text(limit: float) -> str:
    """Return a limit as it was entered: \N{MINUS SIGN}2.5, 45, 0.1."""
    return _signed(f"{limit:g}")


def _signed(text: str) -> str:
    # Rounding leaves a minus before nothing.
    if not text.strip("-0."):
        return text.lstrip("-")
    return text.replace("-", MINUS, 1) if text.startswith("-") else text
