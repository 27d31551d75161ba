"""Hearing calls while they last: packets become audio, and audio becomes utterances.

call         The streams and channels of one live call
audio        The packets of a stream as continuous audio, gaps and disorder included
channel      One channel: its samples, its utterances, and how to find them in the recording
reuse        What was heard live of a finished call, found in its recording
endpointing  Where an utterance starts and ends, with Silero's voice detection
figures      Sentiment, talk time, interruptions and silence so far
"""
