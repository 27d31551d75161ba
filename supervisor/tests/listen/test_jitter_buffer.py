"""The jitter buffer of the page, in a real browser, against frames that come early and late."""

from pathlib import Path

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.processes]

RUNS = Path(__file__).with_name("jitter_runs.js")
MODULE = "/static/supervisor/call/jitter_buffer.js"
TONE_STEP = 0.02  # the largest step between two samples of the tone of the runs


@pytest.fixture
def play(open_page):
    """Run frames through the buffer; see jitter_runs.js."""
    page = open_page()
    page.goto("/supervisor/")
    page.evaluate("(code) => { window.code = code; }", RUNS.read_text())
    source = RUNS.read_text().replace("export function", "return function").split("const RATE")[1]

    def run(frames, seconds, reset_at=1e9):
        script = f"""async ([frames, seconds, resetAt]) => {{
            const {{ JitterBuffer }} = await import("{MODULE}");
            const run = (() => {{ const RATE{source} }})();
            return run(JitterBuffer, frames, seconds, resetAt);
        }}"""
        return page.evaluate(script, [frames, seconds, reset_at])

    return run


def steady(until, *, value="tone", late=lambda at: 0.0, step=0.2):
    return [[at * step + late(at), step, value] for at in range(int(until / step))]


def test_steady_frames_are_played_whole_and_without_a_click(play):
    seen = play(steady(10), 10)

    assert (seen["dry"], seen["skips"]) == (0, 0)
    assert seen["sounding"] > 9
    assert seen["largestStep"] < TONE_STEP
    assert seen["largest"] == pytest.approx(10_000 / 32_768, abs=0.01)


def test_the_sound_starts_after_two_thirds_of_a_second_have_arrived(play):
    seen = play(steady(3), 3)

    assert 0.55 < seen["firstAt"] < 0.7


def test_frames_that_wait_for_a_missing_packet_interrupt_nothing(play):
    seen = play(steady(30, late=lambda at: 0.3 * (at % 7 == 3)), 30)

    assert (seen["dry"], seen["skips"]) == (0, 0)
    assert seen["largestStep"] < TONE_STEP


def test_a_buffer_that_ran_dry_grows_and_does_not_run_dry_again(play):
    seen = play(steady(40, late=lambda at: 0.9 * (at % 10 == 5)), 40)

    assert 1 <= seen["dry"] <= 3
    assert seen["largestStep"] < TONE_STEP


def test_an_excess_is_played_faster(play):
    early = [[0.0, 1.0, "tone"]] + [[at * 0.2, 0.2, "tone"] for at in range(1, 200)]

    seen = play(early, 40)

    assert (seen["dry"], seen["skips"]) == (0, 0)
    assert seen["fill"] < 0.6
    assert seen["largestStep"] < TONE_STEP


def test_silence_is_played_even_faster(play):
    early = [[0.0, 1.0, 0]] + [[at * 0.2, 0.2, 0] for at in range(1, 40)]

    assert play(early, 8)["fill"] < 0.6


def test_a_burst_after_a_hold_up_is_skipped_without_a_click(play):
    held = [*steady(5), [8.2, 3.2, "tone"], *[[8.4 + at * 0.2, 0.2, "tone"] for at in range(40)]]

    seen = play(held, 16)

    assert seen["dry"] == 1
    assert seen["skips"] >= 1
    assert seen["fill"] < 1.2
    assert seen["largestStep"] < TONE_STEP


def test_a_pause_of_the_sender_does_not_make_the_buffer_grow(play):
    after = [[10 + at * 0.2, 0.2, "tone", 5.0 * (at == 0)] for at in range(50)]

    seen = play([*steady(5), *after], 20)

    assert seen["dry"] == 1
    assert seen["fill"] < 0.6


def test_long_packets_play_smoothly_once_the_buffer_has_grown(play):
    seen = play(steady(60, step=2.0), 60)

    assert seen["dry"] <= 5
    assert seen["sounding"] > 50


def test_a_new_connection_continues_without_a_click(play):
    frames = [*steady(4), *[[6 + at * 0.2, 0.2, "tone", 99.0 * (at == 0)] for at in range(20)]]

    seen = play(frames, 10, 5.0)

    assert seen["largestStep"] < TONE_STEP
    assert seen["isPlaying"]


def test_the_levels_are_those_of_each_side(play):
    seen = play(steady(3, value=8192), 3)

    assert seen["levels"] == pytest.approx([0.25, 0.125], abs=0.005)
