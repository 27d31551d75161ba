"""Measures the supervisor feed.

audience  An audience for the feed: sockets that time each event, at next to no cost.
memory    How the memory of a process develops over a run.
outages   Kills the web process again and again, and compares what every client knows.
replicas  Clients that follow the feed's protocol to the letter, and what they know of the calls.
"""
