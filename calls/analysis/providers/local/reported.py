"""Rewriting what somebody said into the third person: "I want" becomes "The customer wants".

Only forms whose grammar is certain are rewritten. For any other sentence there is no answer, and
the caller quotes it or leaves it out. Nothing is added and nothing is concluded.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from calls.analysis.providers.local.verbs import (
    WORDS,
    agreed,
    has_other_form,
    has_verb,
    is_adverb,
    is_base,
    is_finite,
    is_past,
)
from calls.conversation import Speaker

FEWEST_WORDS = 4
MOST_WORDS = 34
SHORT = 5
# A redaction mark, a word or number such as 10:30 and 1,000, or punctuation.
_TOKEN = re.compile(r"\[[A-Z_]+\]|[^\s,.!]+(?:[.,][^\s,.!]+)*|[,.!]+")
_LEAD = re.compile(
    r"^(?:(?:yes|yeah|no|okay|ok|well|right|oh(?: dear)?|oh no|hi|hello|hey|sure|great|perfect"
    r"|fine|lovely|all right|alright|of course|certainly|listen|look|sorry|actually|good \w+"
    r"|thanks|thank you|brilliant|excellent|now|so|ah)(?: there)?(?: [A-Z][a-z]+)?[,.!]+"
    r"|and|but|so|well)\s+",
    re.IGNORECASE,
)
_VOCATIVE = re.compile(
    r",? please(?=[,.!]|$)|,? (?:sir|madam|ma['\u2019]am|then|though|thanks)(?=[.!]?$)",
    re.IGNORECASE,
)
# What makes a sentence unfit: speech within speech, small talk, and what only its context explains.
_UNFIT = re.compile(
    r"[\"\u201c\u201d\u2026;?]|:\s|\.\.|\bthank(?:s| you)\b|\byou (?:know|see)\b"
    r"|\blet(?:'s| me| us)\b"
    r"|\bas you\b|\bmy name\b|\bisn't it\b|\bif you like\b|\bI mean\b|\bthey\b|\bthem\b"
    r"|\btheir\b|\btheirs\b|\bthey['\u2019]\w+|\bone moment\b|\bplease hold\b|\bI see\b"
    r"|\bneed\b.*\b(?:number|digits|date of birth|name|code)\b|\bI hope\b|\bI understand\b"
    r"|\bI bet\b|\bI guess\b|\bkind of you\b"
    r"|^(?:it|that|this|these|those|he|she|there) \w+[,.]",
    re.IGNORECASE,
)
_SPELT = re.compile(r"(?:\b[B-HJ-Z]\b.*){2}")
_ANAPHORIC = re.compile(
    r"(?:it|it's|that|that's|these|those|he|she)\b|this is (?!the \w+ time)", re.IGNORECASE
)
# Sentences that begin with these go on in lower case behind "The agent says".
_SMALL = WORDS["openers"]
_PREPOSITIONS = WORDS["prepositions"]
# Verbs after which a clause begins: "I think you should".
_CLAUSE = WORDS["clause_openers"]
_FIRST = {
    "i": "they", "me": "them", "my": "their", "mine": "theirs", "myself": "themselves",
    "we": "they", "us": "them", "our": "their", "ours": "theirs", "ourselves": "themselves",
}  # fmt: skip
_BOUND = re.compile(r"(i|we|you)'(m|re|ve|ll|d)", re.IGNORECASE)
_SPELLED = {"m": "am", "re": "are", "ve": "have", "ll": "will", "d": "would"}
_NAMES: dict[Speaker, str] = {"agent": "the agent", "customer": "the customer"}
# Whom a speaker addresses. The customer speaks to the company as well as to the agent.
_ADDRESSED: dict[Speaker, str] = {"agent": "the customer", "customer": "the company"}
_POLITE = re.compile(
    r"^(?P<modal>can|could|would|will|may) (?P<who>you|i|we) (?:please )?(?P<rest>\w.*)\?$",
    re.IGNORECASE,
)
_REQUEST = re.compile(r"^please (?P<rest>\w.*?)[.!]?$", re.IGNORECASE)
_HOW = re.compile(r"^how (?:can|do|could) (?:i|we) (?P<rest>\w.*)\?$", re.IGNORECASE)


class Unsure(Exception):
    """The grammar of the sentence is not certain."""


@dataclass(frozen=True, slots=True)
class Reported:
    """A sentence in the third person.

    ``is_framed``: it begins with "The agent says". ``is_clear``: it does not begin with a word such
    as "it", which only the sentences before it explain.
    """

    text: str
    is_framed: bool = False
    is_clear: bool = True


def report(sentence: str, speaker: Speaker) -> Reported | None:
    """Return what ``speaker`` said in the third person, or None if the grammar is not certain."""
    text = _VOCATIVE.sub("", _without_lead(sentence.strip()))
    try:
        return _asked(text, speaker) or _told(text, speaker)
    except Unsure:
        return None


def _without_lead(text: str) -> str:
    while found := _LEAD.match(text):
        text = text[found.end() :]
    return text


def _asked(text: str, speaker: Speaker) -> Reported | None:
    """Return a request: "Can you send it?" becomes "The customer asks the agent to send it."."""
    other = "the agent" if speaker == "customer" else "the customer"
    name = _NAMES[speaker].capitalize()
    if found := _REQUEST.match(text):
        return Reported(_sentence(f"{name} asks {other} to {_rest(found['rest'], speaker)}"))
    if found := _HOW.match(text):
        return Reported(_sentence(f"{name} asks how to {_rest(found['rest'], speaker)}"))
    found = _POLITE.match(text)
    if found is None:
        return None
    rest = _rest(found["rest"], speaker)
    if found["who"].lower() == "you":
        return Reported(_sentence(f"{name} asks {other} to {rest}"))
    return Reported(_sentence(f"{name} asks whether they {found['modal'].lower()} {rest}"))


def _rest(text: str, speaker: Speaker) -> str:
    """Return the rest of a request, which begins with a verb in its base form."""
    if _UNFIT.search(text):
        raise Unsure
    words = _split(text)
    if not words or not is_base(words[0].lower()):
        raise Unsure
    rewriter = _Rewriter(speaker, words, starts_with_speaker=True)
    rewriter.is_addressed = True
    return _joined(rewriter.rewritten())


def _told(text: str, speaker: Speaker) -> Reported | None:
    """Return a statement."""
    words = _split(_unbound(text))
    count = sum(word[0].isalnum() for word in words)
    if _UNFIT.search(text) or _SPELT.search(text) or not FEWEST_WORDS <= count <= MOST_WORDS:
        raise Unsure
    name, first = _NAMES[speaker], words[0].lower()
    if count <= SHORT and words[1].lower() in ("have", "need"):
        raise Unsure  # "I have a new one": an answer to something
    rewriter = _Rewriter(speaker, words, starts_with_speaker=first in ("i", "we", "my", "our"))
    if first in ("i", "we"):
        return Reported(_sentence(f"{name} {_joined(rewriter.after_subject())}"))
    if first in ("my", "our") and speaker == "customer":
        return Reported(_sentence(f"{name}'s {_joined(rewriter.rewritten(skip=1))}"))
    if first not in _SMALL and not words[0].isdigit():
        raise Unsure  # it may be a name, or an order: "Cancel it."
    if not has_verb([word.lower() for word in words]):
        raise Unsure
    said = _joined(rewriter.rewritten())
    is_clear = _ANAPHORIC.match(text) is None
    return Reported(_sentence(f"{name} says {said[0].lower()}{said[1:]}"), True, is_clear)


def _unbound(text: str) -> str:
    """Write "I'm" as "I am"."""
    plain = text.replace("\u2019", "'")
    return _BOUND.sub(lambda found: f"{found[1]} {_SPELLED[found[2].lower()]}", plain)


def _split(text: str) -> list[str]:
    return _TOKEN.findall(_unbound(text))


def _joined(words: Sequence[str]) -> str:
    return re.sub(r" (?=[,.!]+(?: |$))", "", " ".join(words)).rstrip(" .!,")


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:].rstrip(' .!,')}."


class _Rewriter:
    """Rewrites the words of one sentence.

    ``starts_with_speaker``: the speaker is its subject, so that "they" later means the speaker.
    Otherwise, if an agent also addresses the customer, "they" could be either: both are named.
    """

    def __init__(self, speaker: Speaker, words: Sequence[str], *, starts_with_speaker: bool):
        self._words, self._speaker = words, speaker
        lower = [word.lower() for word in words]
        addresses = any(word in ("you", "your", "yours", "yourself") for word in lower)
        speaks = any(word in _FIRST for word in lower)
        self._lower = lower
        self._names_both = addresses and not starts_with_speaker and speaker == "agent" and speaks
        self._may_repeat = not speaks and speaker == "agent"
        self._chooses_verbs = False
        self.is_addressed = False

    def after_subject(self) -> list[str]:
        """Return what follows a subject in the first person: its verb agrees with a name."""
        words: list[str] = []
        at = self._singular_verb(0, words)
        return [*words, *self.rewritten(skip=at)]

    def rewritten(self, *, skip: int = 0) -> list[str]:
        made: list[str] = []
        at = skip
        while at < len(self._words):
            word = self._lower[at]
            if self._is_second_subject(at) or self._is_second_verb(at):
                _unsure()
            if word in ("i", "we") and not self._names_both:
                made.append("they")
                at = self._plural_verb(at, made)
            elif word in ("i", "we"):
                made.append(_NAMES[self._speaker])
                at = self._singular_verb(at, made)
            elif word in _FIRST:
                made.append(self._first(word))
                at += 1
            elif word in ("you", "your", "yours", "yourself", "yourselves"):
                at = self._second(at, made)
            else:
                made.append(self._words[at])
                at += 1
        return made

    def _is_second_subject(self, at: int) -> bool:
        """Whether it is one of two subjects: "my wife and I"."""
        is_joined = at > 0 and self._lower[at - 1] in ("and", "or", ",")
        is_speaker = self._lower[at] in ("i", "we")
        return is_joined and is_speaker and not any(map(is_finite, self._lower[: at - 1]))

    def _is_second_verb(self, at: int) -> bool:
        """Whether it may be another verb of a subject that has become a name: "I pay and get"."""
        is_joined = at > 0 and self._lower[at - 1] in ("and", "or", "but")
        return is_joined and self._chooses_verbs and has_other_form(self._lower[at])

    def _first(self, word: str) -> str:
        if not self._names_both:
            return _FIRST[word]
        name = _NAMES[self._speaker]
        if word in ("me", "us"):
            return name
        return f"{name}'s" if word in ("my", "our") else _unsure()

    def _second(self, at: int, made: list[str]) -> int:
        """Rewrite a word in the second person."""
        word, name = self._lower[at], _ADDRESSED[self._speaker]
        repeats, self.is_addressed = self._may_repeat and self.is_addressed, True
        if word == "your":
            made.append("their" if repeats else f"{name}'s")
            return at + 1
        if word != "you":
            _unsure()
        if not self._is_subject(at):
            made.append("them" if repeats else name)
            return at + 1
        made.append("they" if repeats else name)
        return self._plural_verb(at, made) if repeats else self._singular_verb(at, made)

    def _is_subject(self, at: int) -> bool:
        """Whether "you" is a subject. Raises Unsure if it may be either."""
        before = self._lower[at - 1] if at else ""
        after = self._next(at)
        if is_adverb(after):
            after = self._next(at + 1)
        is_verb = is_finite(after)
        if not before or not before[0].isalnum() or before in _CLAUSE:
            return is_verb or _unsure()
        if before in _PREPOSITIONS:
            return _unsure() if is_verb and after != "back" else False
        if before in ("tell", "told"):
            return is_verb
        if is_base(before) or is_past(before) or before.endswith("ing"):
            return _unsure() if is_verb else False
        return is_verb or _unsure()

    def _singular_verb(self, at: int, made: list[str]) -> int:
        verb = self._verb_after(at)
        made += self._words[at + 1 : verb]
        made.append(agreed(self._lower[verb], self._next(verb)) or _unsure())
        self._chooses_verbs = self._chooses_verbs or has_other_form(self._lower[verb])
        return verb + 1

    def _plural_verb(self, at: int, made: list[str]) -> int:
        verb = self._verb_after(at)
        made += self._words[at + 1 : verb]
        word = self._lower[verb]
        if not is_finite(word) or (word == "would" and not agreed(word, self._next(verb))):
            _unsure()
        made.append({"am": "are", "was": "were", "wasn't": "weren't"}.get(word, self._words[verb]))
        return verb + 1

    def _verb_after(self, at: int) -> int:
        """Return the place of the verb of a subject, behind adverbs: "I really want"."""
        verb = at + 1
        while verb < len(self._words) and is_adverb(self._lower[verb]):
            verb += 1
        return verb if verb < len(self._words) else _unsure()

    def _next(self, at: int) -> str:
        return self._lower[at + 1] if at + 1 < len(self._lower) else ""


def _unsure() -> Any:
    raise Unsure
