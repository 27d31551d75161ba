"""Live transcription: packets become audio, audio utterances, and utterances words.

loop         The process: runs the listener until it is told to stop
listener     Transcribes the calls that this process has leased, round by round
leases       Which process transcribes which call
turns        Whose turn it is, if there are more calls than can be transcribed
reading      Reads the new packets of all leased calls
opening      How the transcription of a leased call begins
heard        The state of one leased call
dispatcher   Gives the recogniser what matters most first, and takes its words back
recogniser   Has the provider recognise utterances, several at once
status       What the listeners report, and the removal of what is no longer needed
storing      Stores utterances and positions, if the lease still holds

passages     Consecutive utterances, to be recognised again in one piece
figures      Sentiment, talk time, interruptions and silence so far
texts        What text calls may cost
headline     Sentiments and trends so far, in the row of the call and in the event log
wording      The live words, as turns and as the last words
documents    The live words, as JSON for the API, the feed and the pages
audio/       From packets to utterances
reuse/       Reuse of live words in the transcript of the finished call
"""
