"""The scripts of the recorded calls, and how far a transcript deviates from them."""

import json
import re

import jiwer

from calls.simulation.scripts import DEMO_CALLS


def truth_of(call_id):
    """Return the script of the recording ``call_id``."""
    (name,) = (path.stem for path in DEMO_CALLS.glob("*.json") if path.stem in call_id)
    return json.loads((DEMO_CALLS / f"{name}.json").read_text())


def words(turns):
    """All words, without case and punctuation."""
    text = " ".join(turn["text"] for turn in turns).lower()
    return " ".join(re.findall(r"[a-z0-9']+", text))


def word_error_rate(truth, found):
    return jiwer.wer(words(truth), words(found))
