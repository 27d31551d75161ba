"""Measures the supervisor feed.

audience  Opens many sockets that time each event, at little cost.
memory    Samples the memory of a process, and computes its growth.
outages   Kills the web process repeatedly, and compares the state of every client.
replicas  Clients that follow the protocol of the feed and keep the state of every call.
"""
