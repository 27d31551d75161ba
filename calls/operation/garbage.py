"""Garbage collection in long-lived processes."""

from __future__ import annotations

import gc

# A page and a batch of calls make many objects, but little garbage.
THRESHOLDS = (20_000, 20, 50)


def spare_what_is_loaded() -> None:
    """Leave what is loaded, and stays, out of collections. Call it once all is imported.

    A full collection would visit every class and function of the program, which takes longer than
    rendering a page. It would also write to the memory that forked processes share.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
