"""Understanding a conversation offline: sentiment, summary and keywords."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from calls.analysis.providers.local.keywords import keywords
from calls.analysis.providers.local.languages import (
    JUDGED,
    languages_of_turns,
    not_judged,
    unjudged_language,
)
from calls.analysis.providers.local.sentences import embedding_problem
from calls.analysis.providers.local.sentiment import (
    count_scored_by_words,
    score_sentiment,
    sentiment_model,
)
from calls.analysis.providers.local.summary import quote_opening, summarise
from calls.conversation import Sentiment, Skipped, Turn, Understanding


def understand_locally(turns: Sequence[Turn], *, language: str = "") -> Understanding:
    """Understand turns from which personal data has been removed. Only English is judged.

    Safe to call from several threads: the model is loaded once per process, on first use. A
    sentence takes about 5 ms of CPU time, so do not call it on the event loop. The number of
    sentences that are embedded is limited. Without the model it uses word lists. ``skipped`` says
    so.
    """
    texts = [turn.text for turn in turns]
    languages = languages_of_turns(turns, language)
    judged = [turn for turn, spoken in zip(turns, languages, strict=True) if spoken == JUDGED]
    # A few words of English in another language say nothing about the call.
    is_english = 2 * len(judged) >= len(turns)
    summary = summarise(judged) if is_english else quote_opening(turns)
    return Understanding(
        sentiments=_sentiments(turns, languages),
        summary=summary.text,
        summary_kind=summary.kind,
        unjudged_language=unjudged_language(turns, languages),
        keywords=keywords(judged) if is_english else (),
        model=f"sentiment: {sentiment_model()}; summary: {summary.model}",
        insights=summary.parts,
        skipped=(*_without_embeddings(texts), *_not_judged(languages)),
    )


def _sentiments(turns: Sequence[Turn], languages: Sequence[str]) -> tuple[Sentiment | None, ...]:
    texts = [turn.text for turn, spoken in zip(turns, languages, strict=True) if spoken == JUDGED]
    scored = iter(score_sentiment(texts) if texts else ())
    return tuple(next(scored) if spoken == JUDGED else None for spoken in languages)


def _without_embeddings(texts: Sequence[str]) -> Iterator[Skipped]:
    problem = embedding_problem()
    if problem:
        yield Skipped("sentence embeddings", f"{problem}; sentiment and summary use word lists")
    elif left := count_scored_by_words(texts):
        reason = f"The call is very long: word lists scored {left:,} of its sentences."
        yield Skipped("sentence embeddings", reason)


def _not_judged(languages: Sequence[str]) -> tuple[Skipped, ...]:
    reason = not_judged(languages)
    return (Skipped("sentiment", reason),) if reason else ()
