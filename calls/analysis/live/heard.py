"""One live call of this process: what was found in it, recognised, and stored."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any, Literal

from calls.analysis.live.audio.call import LiveCall
from calls.analysis.live.audio.channel import LiveUtterance as Utterance
from calls.analysis.live.audio.channel import Position
from calls.analysis.live.figures import LANGUAGE_TURNS, live_figures, score_turns
from calls.analysis.live.headline import NEWS
from calls.analysis.live.passages import Passage, Passages
from calls.analysis.live.recogniser import Words
from calls.analysis.live.reuse.known import fingerprint_fields
from calls.analysis.live.storing import Change
from calls.analysis.live.texts import newest
from calls.analysis.live.turns import Rank
from calls.analysis.live.wording import guess_of, last_words, turn_of
from calls.analysis.metrics import headline as headline_of
from calls.conversation import Speaker, Transcription
from calls.models import LiveTranscription, LiveUtterance
from calls.redaction.live import clear

TOO_OLD_S, TOO_OLD_WATCHED_S = 20.0, 60.0  # words of an older utterance are of no use
TRIES = 3
LAST_S = 2.0  # after the end of a call, the final transcription does the rest
HELD_BACK = 5  # utterances that may still be held back, at most
HELD_BACK_S = 1.0
POSITION_S = 5.0  # how often the position is stored if nothing was said
MOST_SPANS = 200
# How often an unwatched call is processed, also while ended calls need the cores.
UNWATCHED_S = 1.0
RESTING_S = 10.0
STARVED_S = 30.0  # no call goes without words for longer because the cores are needed elsewhere


@dataclass(slots=True, eq=False)
class Entry:
    """An utterance on its way to its words. An early one may still continue."""

    call: HeardCall
    utterance: Utterance
    asked_at: float
    early: bool = False
    state: Literal["waiting", "running", "done", "dropped"] = "waiting"
    words: Words | None = None
    tries: int = 0


@dataclass(slots=True, eq=False)
class HeardCall:
    """The state of one leased call. Nothing in here touches the database.

    ``known`` holds the utterances that are stored, and those that will be next.
    """

    pk: int
    call_id: str
    token: int
    language: str
    since: float
    rank: Rank = Rank.OTHER
    rests: bool = False  # leaves the cores to the analysis of calls that have ended
    audio: LiveCall | None = None
    is_text: bool = False
    model: str = ""
    skipped: list[list[int]] = field(default_factory=list)
    known: list[LiveUtterance] = field(default_factory=list)
    now_ms: int = 0  # of a text call: all words sent before are stored
    text_positions: dict[str, int] = field(default_factory=dict)
    passages: Passages | None = None  # if utterances are recognised again
    served_at: float = 0.0
    ended_at: float | None = None
    _new: list[LiveUtterance] = field(default_factory=list)
    _again: list[LiveUtterance] = field(default_factory=list)
    _waiting: dict[str, deque[Entry]] = field(default_factory=dict)
    _early: dict[str, Entry] = field(default_factory=dict)
    _partial: dict[str, str] = field(default_factory=dict)
    stored_at: float = 0.0
    _is_news: bool = False
    _heard_ms: int = 0
    _headline: dict[str, str] = field(default_factory=dict)
    _is_finished: bool = False

    def restore(self, row: LiveTranscription, utterances: Sequence[LiveUtterance]) -> None:
        """Continue from what is stored."""
        self.known = sorted(utterances, key=lambda each: each.begin_ms)
        self.skipped, self.model = list(row.skipped), row.model
        self._heard_ms = row.heard_until_ms or 0

    @property
    def comes_first(self) -> bool:
        """Whether its words are needed now: by a person, or by its own analysis."""
        return self.rank == Rank.WATCHED or self.ended_at is not None

    @property
    def pause_s(self) -> float:
        """How long to wait between two rounds for it."""
        if self.comes_first:
            return 0.0
        return RESTING_S if self.rests else UNWATCHED_S

    def is_patient(self, now: float) -> bool:
        """Whether its words can wait while the cores are needed elsewhere."""
        served_at = max(self.served_at, self.since)
        return self.rests and not self.comes_first and now - served_at < STARVED_S

    def end(self, now: float) -> None:
        """Note that the call is over: the rest of it is recognised, if that does not take long."""
        if self.ended_at is None:
            self.ended_at = now

    def is_over(self, now: float) -> bool:
        """Whether nothing is left to do for a call that has ended."""
        if self.ended_at is None:
            return False
        return not self.pending or now - self.ended_at > LAST_S

    def drop_guesses(self) -> None:
        """Stop showing words of what is still being said."""
        for entry in self._early.values():
            entry.state = "dropped"
        self._early = {}
        self._is_news = self._is_news or bool(self._partial)

    def drop(self) -> None:
        """Note that nobody waits for the words any more."""
        for entry in (*self.pending, *self._early.values()):
            entry.state = "dropped"

    # --- From packets to entries

    def listen(self, now: float) -> None:
        """Find what has been said in the packets so far. Takes processor time."""
        if self.audio is None:
            return
        if not self._is_finished:
            self._is_finished = self.ended_at is not None
            for utterance in self.audio.utterances(now, all_of_it=self._is_finished):
                self._ended(utterance, now)
        if self.rank == Rank.WATCHED and not self._is_finished:
            self._guess(now)

    def _ended(self, utterance: Utterance, now: float) -> None:
        entry = self._early.pop(utterance.channel, None)
        if entry is not None and entry.utterance.identity != utterance.identity:
            entry.state = "dropped"
        if entry is None or entry.state == "dropped":
            entry = Entry(self, utterance, now)
        # The early one does not know the checksum of what is before it.
        entry.utterance, entry.early, entry.asked_at = utterance, False, now
        self._waiting.setdefault(utterance.channel, deque()).append(entry)

    def _guess(self, now: float) -> None:
        """Have an utterance recognised that has probably ended: its words are shown earlier."""
        for utterance in self.audio.ending() if self.audio else ():
            entry = self._early.get(utterance.channel)
            if entry is not None and entry.utterance.identity == utterance.identity:
                continue
            if entry is not None:
                entry.state = "dropped"
            self._early[utterance.channel] = Entry(self, utterance, now, early=True)

    def entries(self) -> Iterator[Entry]:
        """Yield what can be recognised next: the first of each channel that waits."""
        for queue in self._waiting.values():
            yield from (entry for entry in queue if entry.state == "waiting")
        yield from (entry for entry in self._early.values() if entry.state == "waiting")

    def expire(self, now: float) -> int:
        """Drop what has waited for too long. Returns how many utterances that were."""
        limit_s = TOO_OLD_WATCHED_S if self.rank == Rank.WATCHED else TOO_OLD_S
        old = [
            entry
            for queue in self._waiting.values()
            for entry in queue
            if entry.state == "waiting" and now - entry.asked_at > limit_s
        ]
        for entry in old:
            self.skip(entry)
        return len(old)

    def skip(self, entry: Entry) -> None:
        entry.state = "dropped"
        if not entry.early:
            self.note_skipped(entry.utterance.begin_ms, entry.utterance.end_ms)

    def note_skipped(self, begin_ms: int, end_ms: int) -> None:
        """Note that a span was not transcribed live. Spans that touch become one."""
        spans = sorted([*self.skipped, [begin_ms, end_ms]])
        joined: list[list[int]] = []
        for begin, end in spans:
            if joined and begin <= joined[-1][1] + 1_000:
                joined[-1][1] = max(joined[-1][1], end)
            else:
                joined.append([begin, end])
        self.skipped = joined[-MOST_SPANS:]
        self._is_news = True

    def heard(self, entry: Entry, words: Words, now: float) -> None:
        """Take the words of an entry."""
        if entry.state == "dropped":
            return
        entry.state, entry.words = "done", words
        self.served_at = now
        self.model = words.model or self.model
        self._is_news = True

    def failed(self, entry: Entry, *, may_succeed: bool, counts: bool) -> bool:
        """Try again later, or skip it. Returns whether it is skipped. In an outage, age decides."""
        if entry.state == "dropped":
            return False
        entry.tries += counts
        if may_succeed and entry.tries < TRIES:
            entry.state = "waiting"
            return False
        self.skip(entry)
        return not entry.early

    def heard_again(self, passage: Passage, heard: Transcription) -> None:
        """Take the better words of utterances whose words are known already."""
        for row, text, words in passage.words_of(heard):
            row.provisional = False
            self._again.append(row)
            if text and text != row.text:
                row.text, row.words, row.sentiment, row.score = text, words, "", None
                self._is_news = True

    def add_text(
        self, parts: Sequence[tuple[int, Speaker, int, int, str]], *, heard_at: Any
    ) -> None:
        """Take spoken parts of text packets: number, speaker, begin, end and words of each."""
        for number, speaker, begin_ms, end_ms, text in parts:
            self._new.append(
                LiveUtterance(
                    call_id=self.pk, channel="", number=number, revision=0, speaker=speaker,
                    begin_ms=begin_ms, end_ms=end_ms, text=text, heard_at=heard_at,
                )
            )  # fmt: skip
            self._heard_ms = max(self._heard_ms, end_ms)
        self._is_news = self._is_news or bool(parts)
        too_many, self._new = newest(self._new)
        if too_many:
            self.note_skipped(too_many[0].begin_ms, too_many[-1].end_ms)

    # --- What to store

    @property
    def _rest_s(self) -> float:
        """How long nothing need be stored if nothing was said."""
        if self._holds_back:
            return HELD_BACK_S
        return inf if self.is_text else POSITION_S

    @property
    def _holds_back(self) -> bool:
        """Whether words may be shown later even if nothing more is said."""
        return any(each.shown is None for each in self.known[-HELD_BACK:])

    @property
    def may_wait(self) -> bool:
        """Whether it may wait for other calls: text is plentiful, and nobody reads it."""
        return self.is_text and self.rank != Rank.WATCHED

    @property
    def pending(self) -> list[Entry]:
        return [entry for queue in self._waiting.values() for entry in queue]

    def take_change(self, now: float, *, heard_at: Any, force: bool = False) -> Change | None:
        """Return what is to be stored now. Takes processor time."""
        if not force and now - self.stored_at < self.pause_s:
            return None
        new = [*self._new, *self._finished(heard_at)]
        self._new = []
        is_news = self._is_news or bool(new)
        if not (is_news or force or now - self.stored_at >= self._rest_s):
            return None
        self.stored_at, self._is_news = now, False
        self.known = sorted([*self.known, *new], key=lambda each: each.begin_ms)
        rewritten = self._clear() if is_news or self._holds_back else []
        rewritten += [each for each in self._again if all(each is not row for row in rewritten)]
        self._again = []
        is_news = is_news or bool(rewritten)
        self._judge(rewritten)
        fields: dict[str, Any] = {
            "model": self.model,
            "language": self.language,
            "positions": self._positions(),
            "heard_until_ms": self.until_ms,
            "behind_s": self.behind_s(now),
            "skipped": self.skipped,
            "partial": self._partial,
            **last_words(self.known),
        }
        headline = None
        if is_news:
            figures = self._figures()
            fields["figures"] = figures
            headline = self._changed_headline(figures)
        stored = [each for each in rewritten if each.pk is not None]
        return Change(self.pk, self.token, fields, is_news, headline, new, stored)

    def _changed_headline(self, figures: dict[str, Any]) -> dict[str, Any] | None:
        """Return the figures if the sentiment of a side differs from before."""
        found = {name: value for name, value in headline_of(figures).items() if name in NEWS}
        if found == self._headline:
            return None
        self._headline = found
        return figures

    def behind_s(self, now: float) -> float:
        waiting = [entry.asked_at for entry in self.pending if entry.state != "done"]
        return round(max((now - each for each in waiting), default=0.0), 1)

    def _finished(self, heard_at: Any) -> Iterator[LiveUtterance]:
        """Yield the utterances whose words are known. Those of a channel are stored in order."""
        for queue in self._waiting.values():
            while queue and queue[0].state in ("done", "dropped"):
                entry = queue.popleft()
                if entry.words is not None:
                    row = self._row(entry.utterance, entry.words, heard_at)
                    if self.passages is not None:
                        self.passages.add(entry.utterance, row)
                    yield row

    def _row(self, utterance: Utterance, words: Words, heard_at: Any) -> LiveUtterance:
        return LiveUtterance(
            call_id=self.pk,
            channel=utterance.channel,
            number=utterance.before.number,
            revision=0,
            speaker=utterance.speaker,
            begin_ms=utterance.begin_ms,
            end_ms=utterance.end_ms,
            text=words.text,
            words=words.words,
            heard_at=heard_at,
            provisional=self.passages is not None,
            **fingerprint_fields(utterance),
        )

    def _positions(self) -> dict[str, Any]:
        if self.audio is None:
            return {"text": self.text_positions}
        pending: dict[str, Position] = {
            name: queue[0].utterance.before for name, queue in self._waiting.items() if queue
        }
        return self.audio.positions(pending)

    @property
    def until_ms(self) -> int:
        """The time up to which every word is known."""
        if self.audio is None or not self.audio.received_ms:
            return max(self._heard_ms, self.now_ms)
        begins = [entry.utterance.begin_ms for entry in self.pending]
        self._heard_ms = max(self._heard_ms, min([self.audio.settled_ms, *begins]))
        return self._heard_ms

    def _clear(self) -> list[LiveUtterance]:
        """Set what may be shown. Returns the utterances that have changed."""
        turns = [turn_of(each) for each in self.known]
        guesses = [
            guess_of(entry.utterance, entry.words)
            for entry in self._early.values()
            if entry.words and entry.words.text
        ]
        shown = clear([*turns, *guesses], language=self.language, now_ms=self.until_ms)
        changed = []
        for utterance, text in zip(self.known, shown, strict=False):
            if utterance.shown != text:
                utterance.shown = text
                changed.append(utterance)
        self._partial = {
            turn.speaker: text
            for turn, text in zip(guesses, shown[len(turns) :], strict=True)
            if text
        }
        return changed

    def _judge(self, cleared: Sequence[LiveUtterance]) -> None:
        """Score what has just been cleared."""
        wanted = [each for each in cleared if each.shown and each.score is None]
        if not wanted:
            return
        turns = [replace(turn_of(each), text=str(each.shown)) for each in wanted]
        heard = [turn_of(each) for each in self.known[-LANGUAGE_TURNS:]]
        scores = score_turns(turns, language=self.language, heard=heard)
        for utterance, found in zip(wanted, scores, strict=True):
            if found is not None:
                utterance.sentiment, utterance.score = found.label, found.score

    def _figures(self) -> dict[str, Any]:
        spoken = [each for each in self.known if each.text]
        return live_figures(spoken, duration_ms=self._heard_ms, speech={}, language=self.language)
