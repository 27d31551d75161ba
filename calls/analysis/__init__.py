"""The analysis of ended calls: transcribe, understand, archive.

Read these in order to follow a call from claim to archive:

claims        Takes due calls and leases them to a worker
leases        Fencing tokens, and the locks that every write takes
attempts      Starts, closes and fails attempts
stages        Loads a call, asks the AI, and returns the result
findings      Saves results and archives calls
runner        Drives all of the above for many calls at once

Beside them:

batches       Steps for many calls at once, before and after the AI
arrivals      Checks the newest packets of live calls
breaker       Stops asking a provider that keeps failing
cleaning      Cleans and bounds what any provider returns
group_commit  Lets the writes of many calls share a transaction
insights      Reads the site's own questions about every call
metrics       Computes talk time, silence, interruptions and sentiment over time
pausing       Pauses and resumes the analysis
redecoding    Decodes the packets of a call again, in another format
results       Combines the results of a call into one document
retry         Decides whether and when to retry, and outlasts an absence of the database
speakers      Swaps agent and customer of a call
status        Reports pauses, outages, workers and queues

media/        From packets to audio and turns
providers/    The AI providers
recording/    Recordings: stored files, playback, waveforms
"""
