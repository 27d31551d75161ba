"""The supervisor feed: from the event log to the sockets.

batch         Batches of events, serialised once for all clients.
consumers     The supervisor's WebSocket. docs/feed.md describes its protocol.
event_stream  The event log as server-sent events.
feed          Tails the event log and pushes it to all clients of this process.
follower      One client: sends it every event once and in order.
layer         A channel layer for one process that shares each message between sockets.
log_watch     Waits until the event log has grown.
origin        Refuses WebSockets opened by pages of other sites.
pace          Packets per second, from the sampled counters of live calls.
position      The position of a client in the event log, and its first snapshot.
rights        Checks whether a client may still listen.
"""
