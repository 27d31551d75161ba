"""Measures the supervisor feed.

audience  An audience for the feed: sockets that time each event, at next to no cost.
replicas  Clients that follow the feed's protocol to the letter, and what they know of the calls.
"""
