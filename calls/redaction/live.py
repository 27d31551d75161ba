"""Decides what may be shown of a live call.

The redaction of a finished call knows how each sentence continues. Here it is not known yet, so
words that may still become personal are held back until it is clear. Long numbers that no rule
calls harmless stay masked: they may be found to be personal later, when somebody repeats them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from calls.conversation import JOIN_GAP_MS, SPEAKERS, Speaker, Turn
from calls.formats.language import UNDETERMINED
from calls.redaction.cues import asked_for
from calls.redaction.folding import Folded, fold
from calls.redaction.history import Group, History, joined_texts
from calls.redaction.kinds import Kind
from calls.redaction.languages.rules import VOCABULARIES, Rules, rules_for
from calls.redaction.personal_data import unexplained_numbers
from calls.redaction.redact import SECRET, Memory, Secrets, is_nod
from calls.redaction.spoken_languages import spoken_languages
from calls.redaction.spoken_numbers import find_runs, has_digits, tokenize
from calls.redaction.unfinished import REACH, announced, foreign_places, open_words

# An utterance has the fields of a turn.
LiveWords = Turn
# Utterances are one turn up to a pause of 1.5 s. People who read a number out, or look for the next
# digits, pause longer, and the times at the borders of utterances are not exact.
QUIET_MS = 4_000
# How long after a question its answer may be repeated by the side that asked.
REPEATED_MS = 60_000
NUMBER = "NUMBER"
# Somebody who talks for minutes without a pause is read in pieces that overlap, because each piece
# is read again with every word that is added to it. A long number has fewer words than an overlap.
_PIECE = 2_000
_NUMBERS = 1_000
_OVERLAP = 300
# Utterances before one that may announce what it is.
_BACK = 6
# Calls whose redaction can continue from where it was.
_REMEMBERED = 64
_ALL = tuple(VOCABULARIES)
Histories = tuple[History, History]
_histories: dict[tuple[LiveWords, str], Histories] = {}

Mask = tuple[int, int, str]
"""``[begin, end)`` of the plain copy of an utterance, and what takes its place."""


def clear(utterances: Sequence[LiveWords], *, language: str, now_ms: int) -> list[str | None]:
    """Return what may be shown of each utterance; None if it is held back.

    ``utterances`` are all of the call so far, in order of ``begin_ms``. Every word that was spoken
    before ``now_ms`` must be in them: while somebody speaks, that is the time at which the
    utterance began. ``language`` is the declared one, empty if it is not known.

    It is pure, and safe to call from several threads. The work of the previous call for the same
    conversation is remembered, so that it is spent only on what is new.
    """
    if not utterances:
        return []
    key = utterances[0], language
    histories = _histories.pop(key, None) or (History(), History())
    shown = _clear(utterances, language, now_ms, histories)
    _histories[key] = histories
    while len(_histories) > _REMEMBERED:
        _histories.pop(next(iter(_histories)), None)
    return shown


def _clear(
    utterances: Sequence[LiveWords], language: str, now_ms: int, histories: Histories
) -> list[str | None]:
    plain = [_folded(each.text) for each in utterances]
    texts = [each.text for each in plain]
    rules = rules_for(_ruled(utterances, texts, language))
    masks: dict[int, list[Mask]] = defaultdict(list)
    # The pauses of the finished transcript may be longer or shorter.
    for pause_ms, history in zip((QUIET_MS, JOIN_GAP_MS), histories, strict=True):
        groups = list(_groups(utterances, texts, pause_ms))
        memory = history.follow(joined_texts(utterances, texts, groups), rules)
        for group, found in zip(groups, history.found, strict=True):
            _spread(masks, texts, group, [(item.begin, item.end, item.kind) for item in found])
    _mask_numbers(masks, utterances, texts, memory)
    held = _held(utterances, texts, memory, now_ms)
    return [
        None if place in held else _masked(each.text, plain[place], masks[place])
        for place, each in enumerate(utterances)
    ]


_folded = lru_cache(maxsize=2_048)(fold)


def _ruled(utterances: Sequence[LiveWords], texts: Sequence[str], language: str) -> tuple[str, ...]:
    """Return the languages whose rules apply: all of them while the language is not known."""
    said = [(each.speaker, text) for each, text in zip(utterances, texts, strict=True)]
    spoken = spoken_languages(said, language or UNDETERMINED)
    return _ALL if spoken.others == (UNDETERMINED,) and not language else spoken.ruled


def _groups(
    utterances: Sequence[LiveWords], texts: Sequence[str], pause_ms: int
) -> Iterator[Group]:
    """Yield the utterances that ``join_turns`` would join over pauses of this length, in pieces."""
    group: list[int] = []
    end_ms = length = 0
    for place, each in enumerate(utterances):
        if not each.text.strip():
            continue
        before = utterances[group[0]].speaker if group else each.speaker
        if group and (before != each.speaker or each.begin_ms - end_ms >= pause_ms):
            yield group
            group, end_ms, length = [], 0, 0
        elif length >= _PIECE:
            yield group
            group, length = _overlap(texts, group)
        group.append(place)
        length += len(texts[place])
        end_ms = max(end_ms, each.end_ms)
    if group:
        yield group


def _overlap(texts: Sequence[str], group: Group) -> tuple[Group, int]:
    """Return the last utterances of a piece, with which the next one begins, and their length."""
    begin = len(group) - 1
    length = len(texts[group[begin]])
    while begin and length < _OVERLAP:
        begin -= 1
        length += len(texts[group[begin]])
    return group[begin:], length


def _mask_numbers(
    masks: dict[int, list[Mask]],
    utterances: Sequence[LiveWords],
    texts: Sequence[str],
    memory: Memory,
) -> None:
    """Mask what repeats personal numbers, and the numbers that no rule calls harmless."""
    secrets = Secrets(list(memory.secrets.items())) if memory.secrets else None
    for place, text in enumerate(texts):
        masks[place] += _repeated(text, memory.rules, secrets)
        masks[place] += _numbers(text, memory)
    for group in _number_groups(utterances, texts, memory.rules):
        _spread(masks, texts, group, _numbers(" ".join(texts[place] for place in group), memory))


def _spread(
    masks: dict[int, list[Mask]], texts: Sequence[str], group: Group, spans: Sequence[Mask]
) -> None:
    """Cut masks of the joined text of a group into those of its utterances."""
    start = 0
    for place in group:
        end = start + len(texts[place])
        masks[place] += [
            (max(first, start) - start, min(last, end) - start, mark)
            for first, last, mark in spans
            if first < end and last > start
        ]
        start = end + 1


def _repeated(text: str, rules: Rules, secrets: Secrets | None) -> list[Mask]:
    if secrets is None:
        return []
    return [
        (begin, end, kind)
        for begin, end, digits in _runs(text, rules)
        if (kind := secrets.kind_of(digits))
    ]


@lru_cache(maxsize=16_384)
def _runs(text: str, rules: Rules) -> tuple[tuple[int, int, str], ...]:
    runs = find_runs(text, tokenize(text, rules), rules, skip_harmless=True, loose=False)
    return tuple((run.begin, run.end, run.digits) for run in runs if len(run.digits) >= SECRET)


def _numbers(text: str, memory: Memory) -> list[Mask]:
    """Return the numbers that no rule and nothing in the conversation calls harmless."""
    return [
        (begin, end, NUMBER)
        for begin, end, digits in _unexplained(text, memory.rules)
        if digits not in memory.harmless
    ]


@lru_cache(maxsize=16_384)
def _unexplained(text: str, rules: Rules) -> tuple[tuple[int, int, str], ...]:
    found = [(run.begin, run.end, run.digits) for run in unexplained_numbers(text, rules)]
    if rules.languages == _ALL:  # what is harmless in one language need not be in that of the call
        bare = unexplained_numbers(text, rules_for(()))
        found += [(run.begin, run.end, run.digits) for run in bare]
    for code in VOCABULARIES:
        if code not in rules.languages:
            found += _in_foreign_words(text, rules_for((code,)))
    return tuple(found)


def _in_foreign_words(text: str, rules: Rules) -> Iterator[tuple[int, int, str]]:
    """Yield the numbers in several words of a language that the call is not known to be in."""
    for run in unexplained_numbers(text, rules):
        if len(text[run.begin : run.end].split()) > 1 and text[run.begin : run.end].isascii():
            yield run.begin, run.end, run.digits


def _number_groups(
    utterances: Sequence[LiveWords], texts: Sequence[str], rules: Rules
) -> Iterator[Group]:
    """Yield neighbouring utterances of one side with digits, whatever nods are between them.

    The finished transcript may have its pauses and nods at other places.
    """
    groups: dict[Speaker, list[int]] = {speaker: [] for speaker in SPEAKERS}
    lengths = dict.fromkeys(SPEAKERS, 0)
    for place, each in enumerate(utterances):
        own, other = each.speaker, _other(each.speaker)
        goes_on = _has_numbers(texts[place], rules) or (
            bool(groups[own]) and len(texts[place].split()) <= REACH
        )
        ended = ([] if goes_on else [own]) + ([other] if _ends(texts[place], rules) else [])
        for speaker in ended:
            if len(groups[speaker]) > 1:
                yield groups[speaker]
            groups[speaker], lengths[speaker] = [], 0
        if goes_on:
            if lengths[own] >= _NUMBERS:
                yield groups[own]
                groups[own], lengths[own] = _overlap(texts, groups[own])
            groups[own].append(place)
            lengths[own] += len(texts[place])
    yield from (group for group in groups.values() if len(group) > 1)


@lru_cache(maxsize=16_384)
def _has_numbers(text: str, rules: Rules) -> bool:
    return has_digits(tokenize(text, rules)) or bool(foreign_places(text, rules))


@lru_cache(maxsize=16_384)
def _ends(text: str, rules: Rules) -> bool:
    """Return whether an utterance ends what the other side was saying: more than a nod does."""
    return not is_nod(text, ()) or bool(_asked(text, rules))


@lru_cache(maxsize=16_384)
def _asked(text: str, rules: Rules) -> frozenset[Kind]:
    return asked_for(text, rules)


def _other(speaker: Speaker) -> Speaker:
    return SPEAKERS[1 - SPEAKERS.index(speaker)]


def _held(
    utterances: Sequence[LiveWords], texts: Sequence[str], memory: Memory, now_ms: int
) -> set[int]:
    held: set[int] = set()
    asked_at = _questions(utterances, texts, memory.rules)
    for speaker in SPEAKERS:
        asked = memory.asked.get(speaker, frozenset())
        tail = _tail(utterances, texts, speaker, memory.rules, now_ms)
        repeated = {place: _asked_before(utterances[place], asked_at) for place in tail}
        held |= _open(tail, texts, memory.rules, asked, repeated)
    # Something may come before them that is not known yet.
    early = [n for n, each in enumerate(utterances) if each.begin_ms > now_ms]
    return held | {n for n in early if any(open_words(texts[n], memory.rules, frozenset()))}


def _questions(
    utterances: Sequence[LiveWords], texts: Sequence[str], rules: Rules
) -> list[tuple[int, frozenset[Kind]]]:
    """Return when something personal was asked for lately, and what."""
    found = []
    for place in range(len(utterances) - 1, -1, -1):
        if utterances[-1].begin_ms - utterances[place].end_ms > REPEATED_MS:
            break
        # A question may be in several utterances.
        begin = place
        while begin > max(0, place - _BACK) and (
            utterances[begin - 1].speaker == utterances[place].speaker
        ):
            begin -= 1
        if kinds := _asked(" ".join(texts[begin : place + 1]), rules):
            found.append((utterances[place].end_ms, kinds))
    return found


def _asked_before(
    utterance: LiveWords, questions: Sequence[tuple[int, frozenset[Kind]]]
) -> frozenset[Kind]:
    """Return what either side may be repeating in an utterance."""
    return frozenset(kind for at, kinds in questions if at <= utterance.begin_ms for kind in kinds)


def _tail(
    utterances: Sequence[LiveWords],
    texts: Sequence[str],
    speaker: Speaker,
    rules: Rules,
    now_ms: int,
) -> list[int]:
    """Return the last utterances of a side that it may still continue, newest first."""
    tail: list[int] = []
    begin_ms = now_ms
    for place in range(len(utterances) - 1, -1, -1):
        each = utterances[place]
        if begin_ms - each.end_ms >= QUIET_MS:
            break
        if each.speaker == speaker:
            tail.append(place)
        elif _ends(texts[place], rules):
            break
        begin_ms = min(begin_ms, each.begin_ms)
    return tail


def _open(
    tail: Sequence[int],
    texts: Sequence[str],
    rules: Rules,
    asked: frozenset[Kind],
    repeated: Mapping[int, frozenset[Kind]],
) -> set[int]:
    """Return the utterances with words that may continue. REACH other words after them end that."""
    held = 0
    after = 0
    for number, place in enumerate(tail):
        before = " ".join(texts[each] for each in reversed(tail[number + 1 : number + 1 + _BACK]))
        expected = asked | repeated[place] | announced(before, rules)
        for is_open in reversed(open_words(texts[place], rules, expected, bool(asked))):
            if is_open:
                held, after = number + 1, 0
            else:
                after += 1
            if after > REACH:
                return set(tail[:held])
    return set(tail[:held])


def _masked(text: str, plain: Folded, masks: Sequence[Mask]) -> str:
    parts: list[str] = []
    end = 0
    for first, last, mark in _without_overlaps(masks):
        begin, after = plain.original(first, last)
        parts += [text[end:begin], f"[{mark}]"]
        end = after
    return "".join([*parts, text[end:]])


def _without_overlaps(masks: Sequence[Mask]) -> list[Mask]:
    """Join overlapping masks. One with a specific kind wins over ``NUMBER``."""
    kept: list[Mask] = []
    for begin, end, mark in sorted(masks):
        if not kept or begin >= kept[-1][1]:
            kept.append((begin, end, mark))
            continue
        first, last, other = kept[-1]
        kept[-1] = first, max(last, end), mark if other == NUMBER else other
    return kept
