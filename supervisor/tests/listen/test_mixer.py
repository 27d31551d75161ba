"""The timeline on which the channels of a live call are combined."""

import numpy as np
import pytest

from supervisor.listen.mixer import Mixer

RATE = 8000
STEP = 0.2
AGENT, CUSTOMER = 0, 1


def tone(seconds, value=1000):
    return np.full(round(seconds * RATE), value, np.int16)


def silence(seconds):
    return np.zeros(round(seconds * RATE), np.int16)


class Listening:
    """Collects what a mixer returns."""

    def __init__(self, start=100.0):
        self.now = start
        self.mixer = Mixer(RATE, now=start)
        self.cuts = []

    def tick(self, *pieces):
        for key, side, samples in pieces:
            self.mixer.place(key, side, samples, self.now)
        cut = self.mixer.cut(self.now)
        if cut is not None:
            self.cuts.append(cut)
        self.now += STEP
        return cut

    @property
    def heard(self):
        return np.concatenate([samples for _, samples in self.cuts])

    @property
    def seconds(self):
        return len(self.heard) / RATE

    @property
    def is_seamless(self):
        ends = [position + len(samples) for position, samples in self.cuts]
        return ends[:-1] == [position for position, _ in self.cuts[1:]]


def test_the_agent_is_left_and_the_customer_right():
    listening = Listening()

    for _ in range(5):
        listening.tick(("a", AGENT, tone(STEP, 100)), ("c", CUSTOMER, tone(STEP, 200)))

    assert listening.heard.tolist() == [[100, 200]] * (5 * 1600)
    assert listening.is_seamless


def test_two_streams_of_one_side_are_mixed_without_overflow():
    listening = Listening()

    listening.tick(("a", AGENT, tone(STEP, 30_000)), ("b", AGENT, tone(STEP, 30_000)))

    assert set(listening.heard[:, AGENT].tolist()) == {32_767}


def test_a_side_that_stops_sending_does_not_hold_up_the_other():
    listening = Listening()
    listening.tick(("a", AGENT, tone(STEP)), ("c", CUSTOMER, tone(STEP)))

    for _ in range(20):
        listening.tick(("a", AGENT, tone(STEP)))

    assert listening.seconds == pytest.approx(21 * STEP, abs=0.01)
    assert listening.mixer.behind_s(listening.now) <= STEP + 0.01
    assert not listening.heard[2000:, CUSTOMER].any()


def test_a_side_that_resumes_is_played_at_once_and_completely():
    listening = Listening()
    listening.tick(("a", AGENT, tone(STEP)), ("c", CUSTOMER, tone(STEP)))
    for _ in range(20):
        listening.tick(("a", AGENT, tone(STEP)))
    before = listening.seconds

    for _ in range(10):
        listening.tick(("a", AGENT, tone(STEP)), ("c", CUSTOMER, tone(STEP)))

    again = np.flatnonzero(listening.heard[2000:, CUSTOMER])
    assert again[0] / RATE + 0.25 == pytest.approx(before, abs=0.3)
    assert len(again) >= 9 * 1600


def test_silence_of_a_finished_pause_causes_no_delay():
    listening = Listening()
    listening.tick(("a", AGENT, tone(STEP)), ("c", CUSTOMER, tone(STEP)))
    for _ in range(20):
        listening.tick(("a", AGENT, tone(STEP)))

    # The customer's stream fills its pause with silence once it goes on.
    paused = np.concatenate([silence(20 * STEP), tone(STEP)])
    listening.tick(("a", AGENT, tone(STEP)), ("c", CUSTOMER, paused))
    for _ in range(5):
        listening.tick(("a", AGENT, tone(STEP)), ("c", CUSTOMER, tone(STEP)))

    assert listening.mixer.behind_s(listening.now) <= STEP + 0.05
    assert listening.seconds == pytest.approx(27 * STEP, abs=0.3)


def test_after_a_pause_of_both_sides_playback_continues_with_the_present():
    listening = Listening()
    listening.tick(("a", AGENT, tone(STEP)))
    listening.now += 10

    paused = np.concatenate([silence(10), tone(STEP)])
    position, samples = listening.tick(("a", AGENT, paused))

    assert len(samples) == pytest.approx(0.4 * RATE, abs=10)
    assert position > listening.cuts[0][0] + 9 * RATE


def test_a_delayed_burst_is_not_cut():
    listening = Listening()
    listening.tick(("a", AGENT, tone(STEP)))
    listening.now += 2

    listening.tick(("a", AGENT, tone(2 + STEP)))

    assert listening.seconds == pytest.approx(2 + 2 * STEP, abs=0.01)


def test_a_sender_of_whole_seconds_is_played_without_gaps():
    listening = Listening()

    for at in range(100):
        pieces = [("a", AGENT, tone(1))] if at % 5 == 0 else []
        pieces += [("c", CUSTOMER, tone(1))] if at % 5 == 2 else []
        listening.tick(*pieces)

    sides = listening.heard[3 * RATE :]
    assert sides.all()


def test_audio_sent_faster_than_real_time_is_skipped():
    listening = Listening()

    for _ in range(50):
        listening.tick(("a", AGENT, tone(10 * STEP)))

    assert listening.seconds < 50 * STEP + 4


def test_without_new_audio_there_is_no_frame():
    listening = Listening()
    listening.tick(("a", AGENT, tone(STEP)))

    assert listening.tick() is None
