"""Measures every way to send packets.

carriers     Calls as a carrier streams them: a socket each, two tracks
client       The client process: `python -m benchmarks.ingest.client LOAD`
connections  The light clients: one request at a time over HTTP
probe        Watches a run from outside: when audio became visible in the database
run          One run: every path in its turn, on a fresh server each, all on one scratch database.
"""
