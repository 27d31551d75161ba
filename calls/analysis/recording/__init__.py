"""Recordings: files, playback, and waveforms.

files     The recording of a call: one stored file, agent left, customer right
material  What there is to analyse: the stored packets of a call, or what was made of them before.
playback  What is played when somebody listens to a call: a stored file, or one that is made for it.
waveform  How loud each side of a recording is over time: a few bytes a second
"""
