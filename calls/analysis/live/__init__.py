"""Hearing calls while they last: packets become audio, audio becomes utterances, and those words.

loop         The process: runs the listener until it is told to stop
listener     Hears the calls that this process has leased, round by round
leases       Which process hears which call
turns        Whose turn it is, if there are more calls than can be heard
reading      Reads the new packets of all heard calls
opening      How a leased call begins to be heard
heard        The state of one heard call
recogniser   Has the provider recognise utterances, several at once
status       What the listeners report, and the removal of what is no longer needed
storing      Stores utterances and positions, if the lease still holds

call         The streams and channels of one live call
audio        The packets of a stream as continuous audio, gaps and disorder included
channel      One channel: its samples, its utterances, and how to find them in the recording
endpointing  Where an utterance starts and ends, with Silero's voice detection

passages     Utterances that follow one another, to be heard again in one piece
figures      Sentiment, talk time, interruptions and silence so far
judging      Scores the sentiment of live words within a budget
headline     Sentiments and trends so far, in the row of the call and in the event log
documents    What was heard, as JSON for the API, the feed and the pages
reuse/       What was heard, taken over in the transcript of the finished call
"""
