"""Understanding a conversation offline: sentiment, summary and keywords."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from calls.analysis.providers.local.keywords import keywords
from calls.analysis.providers.local.sentences import embedding_problem
from calls.analysis.providers.local.sentiment import (
    count_scored_by_words,
    score_sentiment,
    sentiment_model,
)
from calls.analysis.providers.local.summary import summarise
from calls.conversation import Skipped, Turn, Understanding


def understand_locally(turns: Sequence[Turn]) -> Understanding:
    """Understand turns from which personal data has been removed.

    Safe to call from several threads: the model is loaded once per process, on first use. A
    sentence takes about 5 ms of CPU time, so do not call it on the event loop. The number of
    sentences that are embedded is limited. Without the model it uses word lists. ``skipped`` says
    so.
    """
    texts = [turn.text for turn in turns]
    summary = summarise(turns)
    return Understanding(
        sentiments=tuple(score_sentiment(texts)),
        summary=summary.text,
        keywords=keywords(turns),
        model=f"sentiment: {sentiment_model()}; summary: {summary.model}",
        insights=summary.parts,
        skipped=tuple(_skipped(texts)),
    )


def _skipped(texts: Sequence[str]) -> Iterator[Skipped]:
    problem = embedding_problem()
    if problem:
        yield Skipped("sentence embeddings", f"{problem}; sentiment and summary use word lists")
    elif left := count_scored_by_words(texts):
        reason = f"The call is very long: word lists scored {left:,} of its sentences."
        yield Skipped("sentence embeddings", reason)
