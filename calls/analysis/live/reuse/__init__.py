"""Reuses what was heard of a live call in its transcript.

transcript  The transcript of a finished call from what was heard live, and the rest
known       What was heard live, loaded and checked
placing     Where in the finished audio it is
remainder   The parts of the audio that were not heard, as one short recording
passages    From what was heard to turns
"""
