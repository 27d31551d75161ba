"""Ingest: packets of live calls, from the network to the database.

alone        Storing without group commit: each request is a transaction of its own.
buffer       Group commit: one writer thread per process, many requests per transaction.
call_ids     Makes a call id from a sender's id, and reads the ids in addresses.
carriers     The WebSockets of telephony carriers: protocols, codecs, frame order, authentication.
crowding     Limits the streams of a call.
express      The fast lane: the two hot HTTP routes over plain ASGI.
gathering    The queue of requests: how long the writer waits for them, and they for the writer.
late_log     Warns of packets that come after the end of their call.
own_formats  Keeps the format of packets that differ from their stream.
packets      The shape of an incoming packet, and its limits.
patience     The connection of a writer thread, with limits on waiting.
pressure     When to refuse packets and new streams.
record       The write path: every packet is stored here, whatever its interface.
recordings   Recordings of finished calls as packets.
refusal      Refuses new WebSockets while the server is overloaded.
reports      What each web process reports about its ingest.
requests     Requests to store packets, and their outcomes.
runs         Tells the numberings of a stream apart, and duplicates from other packets.
sidelined    The side queue of calls that another transaction holds.
tables       The SQL of the write path, for PostgreSQL and SQLite.
wire         Packets decoded from JSON, fast and strict.
"""
