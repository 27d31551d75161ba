"""Which clients of this process follow which live transcripts, and what each of them has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from supervisor.live.transcripts import News, Standing


@dataclass(slots=True)
class Seen:
    """What one client has of one call. ``told`` is None until the first message."""

    revision: int
    told: Standing | None = None

    def news(self, standing: Standing) -> News | None:
        """Return what to tell the client, if anything changed for it."""
        told = self.told
        if told is None:
            has = standing.revision or 0
            return News(standing, self.revision if self.revision <= has else 0, has)
        # Without a row: the live words were removed because there is a transcript. The client keeps
        # what it has.
        has = self.revision if standing.revision is None else standing.revision
        is_other = _view(standing) != _view(told)
        if not is_other and (has, standing.status) == (self.revision, told.status):
            return None
        return News(standing, 0 if is_other or has < self.revision else self.revision, has)

    def note(self, news: News) -> None:
        self.revision, self.told = news.revision, news.standing


class Subscriptions:
    """A client is named by its channel."""

    def __init__(self) -> None:
        self._calls: dict[str, dict[str, Seen]] = {}
        self._clients: dict[str, set[str]] = {}

    def __bool__(self) -> bool:
        return bool(self._calls)

    def of(self, channel: str) -> frozenset[str]:
        return frozenset(self._clients.get(channel, ()))

    def add(self, channel: str, revisions: Mapping[str, int]) -> None:
        """Start with these calls, or start again. The client has these revisions of them."""
        for call_id, revision in revisions.items():
            self._calls.setdefault(call_id, {})[channel] = Seen(revision)
            self._clients.setdefault(channel, set()).add(call_id)

    def remove(self, channel: str, call_ids: Iterable[str]) -> None:
        for call_id in self.of(channel).intersection(call_ids):
            self._clients[channel].discard(call_id)
            del self._calls[call_id][channel]
            if not self._calls[call_id]:
                del self._calls[call_id]
        if not self._clients.get(channel, True):
            del self._clients[channel]

    def call_ids(self) -> list[str]:
        return list(self._calls)

    def viewers(self, standings: Mapping[str, Standing]) -> dict[int, int]:
        """Return the number of clients of each live call, by its key."""
        live = (each for each in standings.values() if each.is_live)
        counts = {each.call_pk: len(self._calls.get(each.call_id, ())) for each in live}
        return {pk: count for pk, count in counts.items() if count}

    def find_news(self, standings: Mapping[str, Standing]) -> dict[News, list[tuple[str, Seen]]]:
        """Return each message to write, with the clients that get it."""
        found: dict[News, list[tuple[str, Seen]]] = defaultdict(list)
        for call_id, clients in self._calls.items():
            for channel, seen in clients.items():
                standing = standings.get(call_id) or _deleted(seen)
                if standing and (news := seen.news(standing)):
                    found[news].append((channel, seen))
        return found

    def still(
        self, call_id: str, clients: Iterable[tuple[str, Seen]]
    ) -> Iterator[tuple[str, Seen]]:
        """Yield the clients that have neither left nor started again."""
        now = self._calls.get(call_id, {})
        return ((channel, seen) for channel, seen in clients if now.get(channel) is seen)


def _view(standing: Standing) -> tuple[int, bool]:
    """Return what makes all utterances of a call different: a new call of that id, or a swap."""
    return standing.call_pk, standing.swapped


def _deleted(seen: Seen) -> Standing | None:
    """Return the end of a call that was deleted; None if the client does not know the call."""
    return seen.told and replace(seen.told, is_live=False, revision=None)
