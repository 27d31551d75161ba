"""Ingest: packets of live calls, from the network to the database.

alone        Storing without group commit: each request is a transaction of its own.
buffer       Group commit: one writer thread per process, many requests per transaction.
call_ids     Makes a call id from a sender's id, and reads the ids in addresses.
carriers     The WebSockets of telephony carriers: protocols, codecs, frame order, authentication.
express      The fast lane: the two hot HTTP routes over plain ASGI.
gathering    The queue of requests: how long the writer waits for them, and they for the writer.
packets      The shape of an incoming packet, and its limits.
patience     The connection of a writer thread, with limits on waiting.
pressure     When to refuse packets and new streams.
record       The write path: every packet is stored here, whatever its interface.
recordings   Recordings of finished calls as packets.
refusal      Refuses new WebSockets while the server is overloaded.
reports      What each web process reports about its ingest.
requests     Requests to store packets, and their outcomes.
sidelined    The side queue of calls that another transaction holds.
streams      What is decided about the packets of a stream: numbering, format, limits.
tables       The SQL of the write path, for PostgreSQL and SQLite.
wire         Packets decoded from JSON, fast and strict.
"""
