"""Reuses the live words of a call in its transcript.

transcript  The transcript of a finished call from its live words, and the rest
known       The live words, loaded and checked
placing     Where in the finished audio it is
remainder   The parts of the audio without live words, as one short recording
passages    From recognised words to turns
"""
