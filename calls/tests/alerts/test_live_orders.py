"""In any order of utterances, releases, restarts and results, there is one alert or none."""

from __future__ import annotations

import pytest
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from calls import services
from calls.alerts.live.utterances import LiveTail
from calls.events import head
from calls.models import Alert, AlertRule, CallEvent, Stage
from calls.tests import one_call
from calls.tests.alerts.hearing import DURATION_MS, hearing, look, look_at_log, rule, turn
from calls.tests.factories import attempt, claim

pytestmark = pytest.mark.django_db
PHRASES = ("cancel my contract", "lawyer")
# By place in the call, whatever the order in which they are stored.
TEXTS = ("I cancel", "my contract now", "and", "I cancel my", "contract", "Thank you")
PAUSE_BEFORE = 3
STEP_MS, PAUSE_MS = 1_200, 3_000

places = range(len(TEXTS))
speaker = st.sampled_from(["customer", "customer", "customer", "agent"])
between = st.lists(
    st.one_of(
        st.just(("look", None)),
        st.just(("look", None)),
        st.just(("restart", None)),
        st.tuples(st.sampled_from(["release", "release", "redact"]), st.sampled_from(places)),
    ),
    max_size=3,
)
hear = st.tuples(speaker, st.sampled_from([False, False, True]), between)


@st.composite
def steps(draw):
    """Utterances in any order, and what happens after each of them."""
    found = []
    for place in draw(st.permutations(places))[: draw(st.integers(1, len(TEXTS)))]:
        side, is_held, then = draw(hear)
        found += [("hear", (place, side, is_held)), *then]
    return found


class Story:
    """Writes as the listener does, checks as the watcher does, and knows which alerts are due."""

    def __init__(self):
        self.heard = hearing()
        self.tail, self.offset = LiveTail(), head()
        self.said = {}
        self.is_over, self.is_due = False, False

    def hear(self, spoken):
        place, speaker, is_held = spoken
        text = TEXTS[place]
        begin_ms = place * STEP_MS + (PAUSE_MS if place >= PAUSE_BEFORE else 0)
        shown = None if is_held else text
        row = self.heard.hear(begin_ms, shown, speaker=speaker, text=text)
        self.said[place] = (row, text)

    def release(self, place):
        if place in self.said:
            row, text = self.said[place]
            self.heard.change(row, shown=text)

    def redact(self, place):
        if place in self.said:
            self.heard.change(self.said[place][0], shown="[CARD]")

    def look(self, _=None):
        if not self.is_over:
            self.is_due |= self._is_shown()
            look(self.tail)
        # An ended call is checked when its events are read.
        fresh = CallEvent.objects.filter(id__gt=self.offset, type="state_change").exists()
        self.is_due |= fresh and self._is_shown()
        self.offset = look_at_log(self.tail, after=self.offset)

    def restart(self, _=None):
        self.tail = LiveTail()

    def end(self, _=None):
        services.end_call(call_id=self.heard.call.call_id)
        self.is_over = True

    def archive(self, turns):
        lease = claim()
        result = {"turns": turns}
        transcript = one_call.save_transcript(
            lease, attempt(lease), duration_ms=DURATION_MS, speech={}, **result
        )
        understood = {"summary": "A call.", "metrics": {}, "headline": {}, **result}
        tried = attempt(lease, Stage.UNDERSTAND)
        one_call.archive(lease, tried, transcript=transcript, **understood)
        self.is_due |= any(
            phrase in each["text"]
            for each in turns
            for phrase in PHRASES
            if each["speaker"] == "customer"
        )

    def _is_shown(self):
        """Whether a phrase is in words of the customer between pauses and held-back words."""
        runs, end_ms = [[]], 0
        for _, (row, _) in sorted(self.said.items()):
            row.refresh_from_db()
            if row.speaker != "customer":
                continue
            if row.shown is None or row.begin_ms - end_ms >= 1_500:
                runs.append([])
            if row.shown is not None:
                runs[-1].append(row.shown)
                end_ms = row.end_ms
        return any(phrase in " ".join(run) for run in runs for phrase in PHRASES)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    before=steps(),
    after=between,
    result=st.lists(
        st.tuples(speaker, st.sampled_from([*TEXTS, *TEXTS, "my lawyer"])),
        max_size=2,
    ),
)
@example(
    before=[
        ("hear", (1, "customer", False)),
        ("hear", (0, "customer", True)),
        ("look", None),
    ],
    after=[("release", 0)],
    result=[],
)
def test_a_rule_raises_one_alert_if_its_words_were_shown_or_are_in_the_result(
    before, after, result
):
    with transaction.atomic():
        AlertRule.objects.all().delete()
        rule(phrases="\n".join(PHRASES), speaker="customer")
        story = Story()

        for name, argument in before:
            getattr(story, name)(argument)
        story.end()
        for name, argument in after:
            getattr(story, name)(argument)
        story.archive([turn(n * 9_000, text, speaker=who) for n, (who, text) in enumerate(result)])
        story.look()
        story.restart()
        story.look()

        assert Alert.objects.count() == int(story.is_due)
        transaction.set_rollback(True)
