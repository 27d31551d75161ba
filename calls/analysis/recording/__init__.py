"""Recordings: stored files, playback, and waveforms.

files     Writes, mutes, reads and removes the stored recordings of calls
material  Loads what the analysis works on: packets, or a recording or transcript in their place
playback  Opens the audio of a call for listening, with personal data muted
waveform  The loudness of each side over time, for drawing
"""
