"""From packets to utterances, during a call.

call         The streams and channels of one live call
stream       The packets of a stream as continuous audio, gaps and disorder included
channel      One channel: its samples, its utterances, and how to find them in the recording
endpointing  Where an utterance starts and ends, with Silero's voice detection
"""
